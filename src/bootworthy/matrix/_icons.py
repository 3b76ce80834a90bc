"""The marks as drawings: defined once in a page, in the colour of the text around them."""

from __future__ import annotations

from bootworthy.matrix import words
from bootworthy.matrix._markup import Html, el
from bootworthy.matrix.mark import EMULATED, Mark
from bootworthy.matrix.model import Tile

_RING = '<circle cx="8" cy="8" r="6.6" fill="none" stroke="currentColor" stroke-width="1.4"/>'
_TICK = "M4.9 8.3l2.2 2.2 4.1-4.7"
_LINE = 'fill="none" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"'
_OTHER_TICK = "healthy-emulated"

_DRAWINGS = {
    "healthy": f'<circle cx="8" cy="8" r="7.4" fill="currentColor"/><path d="{_TICK}" {_LINE} class="on-disc"/>',
    _OTHER_TICK: (
        '<circle cx="8" cy="8" r="6.8" fill="none" stroke="currentColor" stroke-width="1.3"'
        ' stroke-dasharray="2.4 1.87"/>'
        f'<path d="{_TICK}" {_LINE} stroke="currentColor"/>'
    ),
    "booted": f'{_RING}<path d="M8 3.4a4.6 4.6 0 0 1 0 9.2z" fill="currentColor"/>',
    "started": f'{_RING}<path d="M8 8V3.4A4.6 4.6 0 0 1 12.6 8z" fill="currentColor"/>',
    "checked": _RING,
    "declared": '<circle cx="8" cy="8" r="2.2" fill="currentColor"/>',
    "failed": (
        '<circle cx="8" cy="8" r="7.4" fill="currentColor"/>'
        f'<path d="M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2" {_LINE} class="on-disc"/>'
    ),
    "stale": f'<path d="M13.4 8.6A5.5 5.5 0 1 1 11.9 4.2M12.4 1.7v2.9H9.5" {_LINE} stroke="currentColor"/>',
    "planned": (
        '<circle cx="3.2" cy="8" r="1.4" fill="currentColor"/><circle cx="8" cy="8" r="1.4" fill="currentColor"/>'
        '<circle cx="12.8" cy="8" r="1.4" fill="currentColor"/>'
    ),
    "unavailable": f'<path d="M3.5 8h9" {_LINE} stroke="currentColor"/>',
}


def sheet() -> Html:
    """The drawings, hidden, for the beginning of a page."""
    symbols = "".join(
        f'<symbol id="mark-{name}" viewBox="0 0 16 16">{drawing}</symbol>' for name, drawing in _DRAWINGS.items()
    )
    return el("svg", Html(symbols), width="0", height="0", class_="sheet", aria_hidden="true")


def icon(mark: Mark, *, emulated: bool = False) -> Html:
    """One mark; the word stands beside it, so it is hidden from those who listen."""
    name = _OTHER_TICK if mark is Mark.HEALTHY and emulated else mark.value
    return el("svg", el("use", href=f"#mark-{name}"), class_="icon", viewBox="0 0 16 16", aria_hidden="true")


def headline(tile: Tile) -> Html:
    """The mark of a cell: drawing, word, how it ended, and whether it was emulated."""
    ended = words.aside(tile).removesuffix(f", {EMULATED}")
    return el(
        "span",
        icon(tile.mark, emulated=tile.emulated),
        el("span", el("b", tile.mark.value), ended, class_="word"),
        el("span", EMULATED, class_="pill") if tile.emulated else None,
        class_="head",
    )
