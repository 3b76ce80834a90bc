"""The matrix for a terminal: plain text that fits its width, with colour where there is any."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bootworthy.catalog.entries import Machine
from bootworthy.matrix import words
from bootworthy.matrix._text import clean, pad, width, wrap
from bootworthy.matrix.format import Format, Look
from bootworthy.matrix.mark import EMULATED, EMULATED_MEANING, Mark
from bootworthy.matrix.model import Line, Matrix, Tile

_NARROWEST, _WIDEST = 16, 28
_GAP = "  "
_BOLD, _DIM = "1", "2"
_COLOURS = {
    Mark.HEALTHY: "32", Mark.BOOTED: "36", Mark.STARTED: "36", Mark.CHECKED: "34", Mark.FAILED: "31",
    Mark.STALE: "33",
}  # fmt: skip
_EMULATED_COLOUR = "36"


@dataclass(frozen=True, slots=True)
class _Span:
    """One line of a cell, and how it looks (parameters of SGR, ECMA-48 section 8.3.117)."""

    text: str
    style: str = ""


def render(matrix: Matrix, look: Look) -> str:
    """The whole table, in as many blocks of machines as the width asks for."""
    lines = [*_header(matrix, look), ""]
    if not matrix.tiles:
        lines += ["No cells.", ""]
    for machines, label, column in _blocks(matrix, look):
        lines += [*_block(matrix, machines, (label, column), look), ""]
    lines += _footer(matrix, look)
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


FORMAT = Format(title="a table for the terminal", suffix=".txt", render=render)


def _header(matrix: Matrix, look: Look) -> list[str]:
    title = wrap(_clean(matrix.title, look), look.width)
    return [*(_styled(line, _BOLD, look) for line in title), *wrap(words.tally(matrix), look.width)]


def _blocks(matrix: Matrix, look: Look) -> Iterator[tuple[Sequence[Machine], int, int]]:
    """Machines that stand beside one another, the width of the first column, and that of the others."""
    names = [clean(text) for line in matrix.rows for text in (line.system.name, f"  {line.kernel.name}")]
    label = min(max((width(name) for name in names), default=0) + 2, max(look.width // 3, 12))
    room = look.width - label
    count = max(1, min(len(matrix.columns), room // (_NARROWEST + len(_GAP))))
    column = max(8, min(_WIDEST, room // count - len(_GAP)))
    for start in range(0, len(matrix.columns), count):
        yield matrix.columns[start : start + count], label, column


def _block(matrix: Matrix, machines: Sequence[Machine], widths: tuple[int, int], look: Look) -> Iterator[str]:
    label, column = widths
    heads = [[_Span(line, _BOLD) for line in wrap(_clean(machine.name, look), column)] for machine in machines]
    tallest = max(len(head) for head in heads)
    # Names of several lines stand on the rule, not under the edge.
    heads = [[_Span("")] * (tallest - len(head)) + head for head in heads]
    yield from _side_by_side([[], *heads], widths, look)
    rule = "─" if look.unicode else "-"
    yield _styled(_GAP.join([rule * label, *[rule * column] * len(machines)]), _DIM, look)
    filled = [line for line in matrix.rows if any(matrix.at(line, machine) for machine in machines)]
    for index, line in enumerate(filled):
        if index:
            yield ""
        cells = [_tile(matrix.at(line, machine), column, look) for machine in machines]
        yield from _side_by_side([_label(line, label, look), *cells], widths, look)


def _label(line: Line, columns: int, look: Look) -> list[_Span]:
    system = wrap(_clean(line.system.name, look), columns)
    kernel = wrap(_clean(line.kernel.name, look), columns - 2)
    return [*(_Span(text, _BOLD) for text in system), *(_Span(f"  {text}", _DIM) for text in kernel)]


def _side_by_side(cells: Sequence[list[_Span]], widths: tuple[int, int], look: Look) -> Iterator[str]:
    label, column = widths
    for index in range(max(len(cell) for cell in cells)):
        spans = [cell[index] if index < len(cell) else _Span("") for cell in cells]
        columns = [label, *[column] * (len(cells) - 1)]
        yield _GAP.join(
            _styled(span.text, span.style, look) + pad("", size - width(span.text))
            for span, size in zip(spans, columns, strict=True)
        )


def _tile(tile: Tile | None, columns: int, look: Look) -> list[_Span]:
    if tile is None:
        return []
    symbol = tile.mark.symbol(emulated=tile.emulated, ascii_only=not look.unicode)
    style = _EMULATED_COLOUR if tile.mark is Mark.HEALTHY and tile.emulated else _COLOURS.get(tile.mark, _DIM)
    head = wrap(f"{symbol} {tile.mark}{words.aside(tile)}", columns, indent="  ")
    below = [text for fact in words.facts(tile) for text in wrap(_clean(fact, look), columns - 2)]
    return [*(_Span(text, style) for text in head), *(_Span(f"  {text}") for text in below)]


def _footer(matrix: Matrix, look: Look) -> Iterator[str]:
    for tile in matrix.tiles.values():
        for remark in words.remarks(tile):
            yield from wrap(_clean(f"{tile.cell.name}: {remark}", look), look.width, indent="  ")
    if words.mentions_emulation(matrix):
        yield from wrap(f"{EMULATED}: {EMULATED_MEANING}.", look.width, indent="  ")
    if matrix.note:
        yield from wrap(_clean(matrix.note, look), look.width)


def _clean(text: str, look: Look) -> str:
    return clean(text, ascii_only=not look.unicode)


def _styled(text: str, style: str, look: Look) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if look.colour and style and text else text
