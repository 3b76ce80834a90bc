"""The matrix as one page: no script, nothing from elsewhere, everything that people wrote escaped."""

from __future__ import annotations

from importlib import resources
from urllib.parse import quote

from bootworthy.matrix import words
from bootworthy.matrix._details import details
from bootworthy.matrix._icons import headline, icon, sheet
from bootworthy.matrix._markup import Html, el, join
from bootworthy.matrix.format import Format, Look
from bootworthy.matrix.mark import EMULATED, EMULATED_MEANING, Mark
from bootworthy.matrix.model import Line, Matrix, Tile

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def render(matrix: Matrix, _look: Look) -> str:
    """The whole page."""
    style = Html(resources.files("bootworthy.matrix").joinpath("page.css").read_text(encoding="utf-8"))
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>'),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"{matrix.title}: support matrix"),
        el("style", style),
    )
    body = el("body", sheet(), el("main", _header(matrix), _table(matrix), _legend(matrix), details(matrix)))
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


FORMAT = Format(title="one self-contained page", suffix=".html", render=render)


def _header(matrix: Matrix) -> Html:
    return el(
        "header",
        el("p", "Support matrix", class_="eyebrow"),
        el("h1", matrix.title),
        el("p", words.tally(matrix) + ".", class_="lead"),
        _bar(matrix),
        el("p", matrix.note, class_="note") if matrix.note else None,
    )


def _bar(matrix: Matrix) -> Html:
    """How many cells stand where, as one bar; the words beside it say the same."""
    counts = [(mark, matrix.count(mark)) for mark in words.marks(matrix)]
    parts = [el("span", class_=f"tone-{mark}", style=f"flex-grow:{count}") for mark, count in counts]
    keys = [el("li", icon(mark), el("b", str(count)), f" {mark}", class_=f"tone-{mark}") for mark, count in counts]
    return join([el("div", *parts, class_="bar", aria_hidden="true"), el("ul", *keys, class_="counts")])


def _table(matrix: Matrix) -> Html:
    if not matrix.tiles:
        return el("p", "No cells.", class_="lead")
    columns = [
        el("th", el("span", machine.title or machine.name, class_="name"), _sub(machine.title, machine.name),
           scope="col", role="columnheader")
        for machine in matrix.columns
    ]  # fmt: skip
    corner = el("th", el("span", "System", class_="name"), el("span", "kernel", class_="sub"), scope="col",
                role="columnheader")  # fmt: skip
    head = el("thead", el("tr", corner, *columns, role="row"), role="rowgroup")
    rows = el("tbody", *(_row(matrix, line) for line in matrix.rows), role="rowgroup")
    # On a narrow screen the style sheet turns rows into blocks; the roles keep it a table for those who listen.
    shape = f"--machines:{len(matrix.columns)}"
    table = el("table", head, rows, role="table", aria_label="Support matrix", style=shape)
    return el("div", table, class_="scroll", role="region", aria_label="Support matrix", tabindex="0", id="matrix")


def _sub(title: str, name: str) -> Html | None:
    return el("span", name, class_="sub mono") if title else None


def _row(matrix: Matrix, line: Line) -> Html:
    system, kernel = line.system, line.kernel
    label = el(
        "th",
        el("span", system.title or system.name, class_="name"), _sub(system.title, system.name),
        el("span", kernel.name, class_="sub mono kernel"),
        scope="row", role="rowheader",
    )  # fmt: skip
    cells = [
        el("td", _tile(tile) if tile else el("span", "no such cell", class_="none"), role="cell",
           class_=None if tile else "empty")
        for _, tile in matrix.across(line)
    ]  # fmt: skip
    return el("tr", label, *cells, role="row")


def _tile(tile: Tile) -> Html:
    look = f"tile tone-{tile.mark}" + (" is-emulated" if tile.emulated else "")
    attempt = tile.attempt
    facts: list[Html] = []
    if attempt is not None:
        facts += [el("span", attempt.date), el("span", words.place(attempt)), el("span", words.boots(tile))]
    facts += [el("span", words.stand_in(other), class_="stand-in") for other in tile.stand_ins]
    return el(
        "a",
        el("span", tile.cell.machine.name, class_="machine mono", aria_hidden="true"),
        headline(tile),
        el("span", words.support(tile), class_="support") if words.support(tile) else None,
        el("span", *facts, class_="facts") if facts else None,
        href="#" + quote(tile.cell.name), class_=look,
    )  # fmt: skip


def _legend(matrix: Matrix) -> Html:
    entries = [
        el("div", el("dt", icon(mark), mark.value, class_=f"tone-{mark}"), el("dd", _sentence(mark.meaning)))
        for mark in words.marks(matrix)
    ]
    if words.mentions_emulation(matrix):
        pill = el("dt", el("span", EMULATED, class_="pill"), class_=f"tone-{Mark.HEALTHY}")
        entries.append(el("div", pill, el("dd", _sentence(EMULATED_MEANING))))
    return el("section", el("h2", "What the marks mean"), el("dl", *entries), class_="legend") if entries else Html()


def _sentence(words_: str) -> str:
    return f"{words_[0].upper()}{words_[1:]}."
