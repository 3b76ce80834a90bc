"""What somebody should know who takes a cell: how little is promised, what has ended, what moves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from bootworthy.catalog import words
from bootworthy.catalog.conditions import conditions, said
from bootworthy.catalog.dates import holds
from bootworthy.catalog.entries import Access, Catalog, Cell, Machine, Remarks
from bootworthy.catalog.needs import FILLED
from bootworthy.catalog.ranking import assumed, ended
from bootworthy.machines.facts import known
from bootworthy.vocabulary import Support

_PROMISES = {
    Support.BEST_EFFORT: "its publisher supports it as time allows, and tests it less",
    Support.EXPERIMENTAL: "its publisher does not promise that it works",
    Support.LEGACY: "its publisher keeps it for old versions alone",
}
_MOVING = frozenset({"latest", "stable", "edge", "master", "main", "nightly", "rolling"})
_OPEN = re.compile(r"\$\{([^}]*)\}")
_SERIES = re.compile(r"\d+\.\d+(?=\D|$)")


@dataclass(frozen=True, slots=True)
class Caution:
    """One warning."""

    code: str
    message: str
    source: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs, without what is empty."""
        fields = {"code": self.code, "message": self.message, "source": self.source}
        return {name: value for name, value in fields.items() if value}


def cautions(
    catalog: Catalog, cell: Cell, images: Mapping[str, str], versions: Mapping[str, str], day: date
) -> tuple[Caution, ...]:
    """Every warning about a cell of a catalog, its references and the versions that were named, on a day."""
    return (
        *_promise(cell), *_lives(cell, day), *_policy(catalog, cell, day), *_conditions(cell, versions),
        *_inferred(cell), *_rolling(cell), *_references(cell, images), *_access(catalog),
    )  # fmt: skip


def _promise(cell: Cell) -> Iterator[Caution]:
    if cell.support in _PROMISES:
        yield Caution(f"resolve.{cell.support}", f"{cell.support}: {_PROMISES[cell.support]}", cell.source)


def _lives(cell: Cell, day: date) -> Iterator[Caution]:
    over = ended(cell, day)
    for part in (cell.system, cell.kernel):
        if part.name in over:
            message = f"{part.title or part.name}: its makers' support ended in {part.end_of_life}, and it is {day}"
            yield Caution("resolve.end-of-life", message, part.remarks.source)


def _policy(catalog: Catalog, cell: Cell, day: date) -> Iterator[Caution]:
    """Whether the makers of the machine support this series of guest kernels on that day."""
    series = _SERIES.match(words.release(cell.kernel) or "")
    policy = tuple(_series(catalog.machines[cell.machine.name]))
    if series is None or not policy or any(name == series[0] and holds(remarks, day) for name, remarks in policy):
        return
    kept = [name for name, remarks in policy if holds(remarks, day)]
    source = next((remarks.source for name, remarks in policy if name == series[0]), policy[0][1].source)
    supported = ", ".join(kept) or "none that are known here"
    who = f"the makers of {cell.machine.title or cell.machine.name}"
    message = f"{who} promise support of these guest kernels on {day}: {supported}; this one is of {series[0]}"
    yield Caution("resolve.kernel-series", message, source)


def _series(machine: Machine) -> Iterator[tuple[str, Remarks]]:
    """What the catalog says of guest kernels; where it says nothing, what is known of the VMM."""
    if machine.guests:
        yield from ((guest.series, guest.remarks) for guest in machine.guests)
    elif machine.vmm in known():
        facts = known()[machine.vmm]
        for guest in (each for each in facts.guests if each.dropped is None):
            until = guest.until.isoformat() if guest.until else None
            yield guest.series, Remarks(until=until, source=facts.source)


def _conditions(cell: Cell, versions: Mapping[str, str]) -> Iterator[Caution]:
    every = conditions(cell)
    for index in assumed(cell, versions):
        yield Caution("resolve.assumed", f"it holds for {said(every[index])}; name yours with --with", cell.source)


def _rolling(cell: Cell) -> Iterator[Caution]:
    if cell.system.rolling:
        message = f"{cell.system.title or cell.system.name} follows the newest release: its base moves"
        yield Caution("resolve.moving", message, cell.system.remarks.source)


def _inferred(cell: Cell) -> Iterator[Caution]:
    parts = (
        (f"system {cell.system.name}", cell.system.remarks), (f"kernel {cell.kernel.name}", cell.kernel.remarks),
        (f"machine {cell.machine.name}", cell.machine.remarks), ("this combination", cell.remarks),
    )  # fmt: skip
    for what, remarks in parts:
        if remarks.inferred:
            why = f": {remarks.note}" if remarks.note else ""
            yield Caution("resolve.inferred", f"{what} is inferred, its publisher does not say so{why}", remarks.source)


def _references(cell: Cell, images: Mapping[str, str]) -> Iterator[Caution]:
    for role, reference in images.items():
        written = set(_OPEN.findall(cell.images.get(role, ""))) - FILLED
        if written and not _OPEN.search(reference):
            names = " and ".join(f"${{{name}}}" for name in sorted(written))
            yield Caution(
                "resolve.unlisted", f"{role}: the catalog leaves {names} open; nobody says that this tag exists"
            )
        tag = reference.rpartition("/")[2].partition(":")[2]
        if open_ := _OPEN.findall(reference):
            names = " and ".join(f"${{{name}}}" for name in open_)
            said = " ".join(f"--set {name}=VALUE" for name in open_)
            yield Caution("resolve.open", f"{role}: the catalog leaves {names} open; fill it in with {said}")
        elif "@" in reference:
            continue
        elif not tag:
            yield Caution("resolve.moving", f"{role}: {reference} has no tag, so it means the moving tag latest")
        elif _MOVING.intersection(words.words(tag.replace("_", "-"))):
            yield Caution("resolve.moving", f"{role}: the tag {tag} moves, and may hold another image tomorrow")


def _access(catalog: Catalog) -> Iterator[Caution]:
    if catalog.access is Access.REFERENCE_ONLY:
        message = "listed for reference: bootworthy shows these images and does not fetch them"
        yield Caution("resolve.reference-only", message, catalog.source)
