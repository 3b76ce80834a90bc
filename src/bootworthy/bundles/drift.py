"""What differs from a lock file: the catalog, the registries, and the mirrors that builds draw on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bootworthy.builders import cells
from bootworthy.builders.apt import Package
from bootworthy.builders.pinned import subject
from bootworthy.builders.record import package_differences
from bootworthy.builders.workshop import Workshop
from bootworthy.bundles import publish
from bootworthy.bundles.lock import Upstream
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.catalog.identity import images_entry_digest
from bootworthy.catalog.pins import PinnedCell
from bootworthy.errors import BootworthyError, NotFoundError
from bootworthy.oci.digest import short
from bootworthy.oci.reference import Reference

Bundled = Callable[[Reference], frozenset[str]]
"""Digests of the images that a bundle of this name has in its registry now."""


class Kind(StrEnum):
    """What differs."""

    MOVED = "moved"
    """A reference means another image upstream."""
    PACKAGES = "packages"
    """A mirror offers other packages."""
    CATALOG = "catalog"
    """The catalog says something else of the cell."""
    NOT_LOCKED = "not-locked"
    GONE = "gone"
    """The catalog has no such cell any more."""
    UNKNOWN = "unknown"
    """It could not be asked."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference."""

    kind: Kind
    subject: str
    """A cell, a reference, or a build."""
    message: str

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {"kind": self.kind.value, "subject": self.subject, "message": self.message}


def drift(
    workshop: Workshop, catalog: Catalog, chosen: Iterable[Cell], upstream: Upstream, bundled: Bundled, *,
    whole: bool, mirrors: bool,
) -> tuple[Drift, ...]:  # fmt: skip
    """Every difference of some cells; nothing is changed. Each reference and each mirror is asked once.

    Args:
        workshop: where builds happen.
        catalog: with its pins.
        chosen: the cells.
        upstream: what references mean now.
        bundled: what is in bundles now, where the catalog says where they are published.
        whole: whether `chosen` is all there is, so that what else is locked is gone.
        mirrors: whether to ask mirrors too, which takes some seconds for each build.
    """
    cells_ = [cell for cell in chosen if cell.support.buildable]
    found = [each for cell in cells_ for each in _cell(catalog, cell)]
    if whole:
        names = {cell.name for cell in cells_}
        gone = (name for name in catalog.pins.cells if name not in names)
        found += [Drift(Kind.GONE, name, "the catalog has no such cell any more") for name in gone]
    locked = [(cell, catalog.pins.cells[cell.name]) for cell in cells_ if cell.name in catalog.pins.cells]
    found += _moved(locked, upstream)
    found += _bundles(catalog, locked, bundled)
    if mirrors:
        found += _packages(workshop, catalog, (cell for cell, _ in locked))
    return tuple(dict.fromkeys(found))


def _cell(catalog: Catalog, cell: Cell) -> Iterator[Drift]:
    pinned = catalog.pins.cells.get(cell.name)
    if pinned is None:
        yield Drift(Kind.NOT_LOCKED, cell.name, "it is not in the lock file")
    elif pinned.entry != images_entry_digest(cell):
        before = {role: pin.reference for role, pin in pinned.images.items()}
        changed = [
            f"{role} is {text}, and was {before.get(role, 'nothing')}"
            for role, text in cell.images.items()
            if before.get(role) != text
        ]
        yield Drift(Kind.CATALOG, cell.name, "; ".join(changed) or "its recipes are other ones")


def _moved(locked: Iterable[tuple[Cell, PinnedCell]], upstream: Upstream) -> Iterator[Drift]:
    wanted = {
        (cell.images[role], pin.digest): None
        for cell, pinned in locked
        for role, pin in pinned.images.items()
        if cell.images.get(role) == pin.reference
    }
    for text, digest in wanted:
        reference = Reference.parse(text)
        if reference.digest is not None:
            continue  # it cannot move
        try:
            now = upstream(reference).digest
        except BootworthyError as error:
            yield Drift(Kind.UNKNOWN, text, f"could not be asked: {error}")
            continue
        if now != digest:
            yield Drift(Kind.MOVED, text, f"is {now} now, and is locked to {digest}")


def _bundles(catalog: Catalog, locked: Iterable[tuple[Cell, PinnedCell]], bundled: Bundled) -> Iterator[Drift]:
    """Bundles of ours whose locked images have left them. One that nobody has pushed yet has not moved."""
    wanted: dict[Reference, dict[str, str]] = {}
    for cell, pinned in locked if publish.goes_out(catalog) else ():
        ours = {pin.digest: role for role, pin in pinned.images.items() if role not in cell.images}
        if ours:
            wanted.setdefault(publish.names_of(catalog, cell).moving, {}).update(ours)
    for name, ours in wanted.items():
        try:
            there = bundled(name)
        except NotFoundError:
            continue
        except BootworthyError as error:
            yield Drift(Kind.UNKNOWN, str(name), f"could not be asked: {error}")
            continue
        lost = ", ".join(f"{role} {short(digest)}" for digest, role in ours.items() if digest not in there)
        if lost:
            yield Drift(Kind.MOVED, str(name), f"no longer has what is locked: {lost}")


def _packages(workshop: Workshop, catalog: Catalog, locked: Iterable[Cell]) -> Iterator[Drift]:
    asked: set[str] = set()
    for cell in locked:
        for build in cells.builds_of(workshop, cell, {}):
            name = subject(build.recipe.subject, build.recipe.architecture)
            pinned = catalog.pins.builds.get(name)
            if name in asked or pinned is None or build.offered is None:
                continue
            asked.add(name)
            try:
                with workshop.progress.task(f"asking the mirror: {build.recipe.subject}"):
                    offered = build.offered()
            except BootworthyError as error:
                yield Drift(Kind.UNKNOWN, name, f"could not be asked: {error}")
                continue
            for line in package_differences(tuple(map(Package.from_json, pinned.packages)), offered):
                yield Drift(Kind.PACKAGES, name, line)
