"""The matrix as a table of GitHub Flavored Markdown (section 4.10 of its specification), with footnotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootworthy.matrix import words
from bootworthy.matrix._text import clean
from bootworthy.matrix.format import Format, Look
from bootworthy.matrix.mark import EMULATED, EMULATED_MEANING
from bootworthy.matrix.model import Line, Matrix, Tile

_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")
# At the beginning of a line these make a list, a rule or a quotation.
_LEADING = re.compile(r"^(\d+(?=[.)])|)([-+=.)])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    escaped = _LEADING.sub(r"\1\\\2", _SPECIAL.sub(r"\\\1", clean(text)))
    return "".join(_ENTITIES.get(char, char) for char in escaped)


def render(matrix: Matrix, _look: Look) -> str:
    """A heading, the table, what the marks in it mean, and the footnotes."""
    notes = _Footnotes()
    table = list(_table(matrix, notes)) if matrix.tiles else ["No cells."]
    parts = [
        [f"## {escape(matrix.title)}"], [words.tally(matrix) + "."], table, list(_legend(matrix)),
        [escape(matrix.note)] if matrix.note else [], list(notes.lines()),
    ]  # fmt: skip
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


FORMAT = Format(title="a Markdown table", suffix=".md", render=render)


class _Footnotes:
    """Remarks, each once, numbered as they are first met."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, text: str) -> str:
        number = self._numbers.setdefault(clean(text), len(self._numbers) + 1)
        return f"[^{number}]"

    def lines(self) -> Iterator[str]:
        return (f"[^{number}]: {escape(text)}" for text, number in self._numbers.items())


def _table(matrix: Matrix, notes: _Footnotes) -> Iterator[str]:
    yield _row(["System", "Kernel", *(f"`{machine.name}`" for machine in matrix.columns)])
    yield _row(["---"] * (2 + len(matrix.columns)))
    for line in matrix.rows:
        yield _row([*_labels(line), *(_tile(tile, notes) for _, tile in matrix.across(line))])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _labels(line: Line) -> list[str]:
    entries = [(line.system.name, line.system.title), (line.kernel.name, line.kernel.title)]
    return [f"{escape(title)}<br>`{name}`" if title else f"`{name}`" for name, title in entries]


def _tile(tile: Tile | None, notes: _Footnotes) -> str:
    if tile is None:
        return ""
    symbol = tile.mark.symbol(emulated=tile.emulated)
    head = f"{symbol} **{tile.mark}**{escape(words.aside(tile))}"
    marks = " ".join(notes.mark(remark) for remark in words.remarks(tile))
    return "<br>".join([head + marks, *(escape(fact) for fact in [*words.facts(tile), *words.published(tile)])])


def _legend(matrix: Matrix) -> Iterator[str]:
    for mark in words.marks(matrix):
        yield f"- {words.symbols(matrix, mark)} **{mark}**: {mark.meaning}"
    if words.mentions_emulation(matrix):
        yield f"- **{EMULATED}**: {EMULATED_MEANING}"
