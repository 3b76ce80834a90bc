"""The part of the page below the matrix: for each cell what was built, what was seen, and how to see it again."""

from __future__ import annotations

from collections.abc import Iterable

from bootworthy.matrix import words
from bootworthy.matrix._icons import headline
from bootworthy.matrix._markup import Child, Html, el, join, preformatted
from bootworthy.matrix.attempt import Attempt
from bootworthy.matrix.model import Line, Matrix, Tile
from bootworthy.vocabulary import Verdict


def details(matrix: Matrix) -> Html:
    """A section for each row of the matrix, in it one article for each cell."""
    groups = [_group(matrix, line) for line in matrix.rows]
    return el("section", el("h2", "Every cell"), *groups, class_="details") if groups else Html()


def _group(matrix: Matrix, line: Line) -> Html:
    title = el("h3", line.system.title or line.system.name, el("span", f" {line.kernel.name}", class_="mono"))
    tiles = [tile for _, tile in matrix.across(line) if tile is not None]
    return el("section", title, *(_article(tile) for tile in tiles))


def _article(tile: Tile) -> Html:
    cell, attempt = tile.cell, tile.attempt
    promise = el("span", cell.support.value, class_="support") if cell.support.buildable else None
    look = f"tone-{tile.mark}" + (" is-emulated" if tile.emulated else "")
    return el(
        "article",
        el("header", el("h4", cell.name, class_="mono"), el("p", headline(tile), promise, class_="state")),
        _remarks(tile),
        _stand_ins(tile),
        _boot(tile, attempt) if attempt is not None else None,
        _images(tile),
        _again(attempt) if attempt is not None else None,
        el("p", el("a", "Back to the matrix", href="#matrix"), class_="back"),
        id=cell.name, class_=look,
    )  # fmt: skip


def _remarks(tile: Tile) -> Html:
    source = tile.cell.source
    return join([
        *(el("p", reason, class_="reason") for reason in tile.status.reasons),
        el("p", tile.cell.note) if tile.cell.note else None,
        el("p", "Source: ", _link(source), class_="source") if source else None,
    ])  # fmt: skip


def _link(address: str) -> Child:
    # Anything but a web address (`javascript:` above all) stays text.
    if not address.startswith(("https://", "http://")):
        return address
    return el("a", address, href=address, rel="noreferrer nofollow")


def _stand_ins(tile: Tile) -> Html | None:
    if not tile.stand_ins:
        return None
    items = [
        el("li", el("b", words.stand_in(other)), f": {other.version}, {other.date}, evidence ", _digest(other.digest))
        for other in tile.stand_ins
    ]
    return join([
        el("h5", "Seen elsewhere"),
        el("p", f"The same images were booted on other machines. That raises nothing on {tile.cell.machine.name}."),
        el("ul", *items),
    ])  # fmt: skip


def _boot(tile: Tile, attempt: Attempt) -> Html:
    run = [
        ("Started", attempt.started), ("Verdict", f"{attempt.verdict}: {attempt.ending}"), ("Boots", words.boots(tile)),
        ("VMM", words.place(attempt)), *attempt.host,
    ]  # fmt: skip
    columns = [
        el("div", el("h5", "The boot"), _facts(run), _times(attempt)),
        el("div", el("h5", "What the guest said"), _facts(attempt.guest)) if attempt.guest else None,
    ]
    return join([
        el("div", *columns, class_="columns"),
        _list("Why it was not healthy", [*attempt.reasons]) if attempt.reasons != tile.status.reasons else None,
        _console(attempt),
        _checks(attempt),
    ])  # fmt: skip


def _facts(facts: Iterable[tuple[str, str]]) -> Html:
    return el("dl", *(el("div", el("dt", label), el("dd", value)) for label, value in facts if value), class_="facts")


def _times(attempt: Attempt) -> Html | None:
    """Seconds until each stage, with a bar that says the same in length."""
    if not attempt.times:
        return None
    longest = max(seconds for _, seconds in attempt.times) or 1.0
    rows = [
        el(
            "li", el("span", label), el("b", f"{seconds:.1f} s"),
            el("i", style=f"width:{100 * seconds / longest:.1f}%", aria_hidden="true"),
        )
        for label, seconds in attempt.times
    ]  # fmt: skip
    return join([el("h5", "Seconds until"), el("ol", *rows, class_="times")])


def _console(attempt: Attempt) -> Html | None:
    if attempt.verdict is Verdict.HEALTHY or not attempt.last_lines:
        return None
    return join([el("h5", "The last lines on its console"), preformatted("\n".join(attempt.last_lines))])


def _checks(attempt: Attempt) -> Html | None:
    if not attempt.checks:
        return None
    items = [el("li", el("b", severity), f" {message}") for severity, message in attempt.checks]
    return join([el("h5", "Checks"), el("ul", *items)])


def _images(tile: Tile) -> Html | None:
    roles = [*tile.images, *(role for role in tile.digests if role not in tile.images)]
    if not roles:
        return None
    rows = [
        el(
            "div", el("dt", role),
            el("dd", el("span", tile.images.get(role, ""), class_="mono"),
               _digest(tile.digests[role]) if role in tile.digests else el("span", "not resolved", class_="muted")),
        )
        for role in roles
    ]  # fmt: skip
    return join([el("h5", "Images"), el("dl", *rows, class_="images")])


def _again(attempt: Attempt) -> Html:
    return join([
        join([el("h5", "Run it again"), preformatted(attempt.command)]) if attempt.command else None,
        _list("What healthy did not test", words.untested(attempt)) if attempt.verdict is Verdict.HEALTHY else None,
        el("p", "Evidence ", _digest(attempt.digest), class_="evidence"),
    ])  # fmt: skip


def _list(title: str, items: list[str]) -> Html | None:
    return join([el("h5", title), el("ul", *(el("li", item) for item in items))]) if items else None


def _digest(digest: str) -> Html:
    return el("span", digest, class_="mono digest")
