"""The images of cells to another registry: only what is missing there, and one that fails stops no other.

An image that others publish keeps its repository and tag below the new place, without its registry; one below the
catalog's own registry keeps what stands behind that. A bundle brings the names of its members along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bootworthy.builders import cells
from bootworthy.builders.cells import CellImages
from bootworthy.builders.workshop import Workshop
from bootworthy.bundles import publish
from bootworthy.bundles.members import inside, tag_members
from bootworthy.bundles.publish import Published
from bootworthy.catalog import access
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.errors import BootworthyError, NotFoundError, RefusedError, UsageError
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.copy import PARALLEL, Report, copy
from bootworthy.oci.transfer.local import StorePlace
from bootworthy.oci.transfer.places import Source
from bootworthy.oci.transfer.remote import Registries


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One image that is to be mirrored."""

    source: Reference
    """By name and, where it is held to one, by digest."""
    targets: tuple[Reference, ...]
    """In one repository."""
    bundle: bool = False
    """Whether its members' names are to be made there, for nobody has them here."""
    held: frozenset[str] = frozenset()
    """Digests that a bundle has to have in it, for a lock says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrored:
    """What came of one image: a report, or an error."""

    item: Item
    report: Report | None = None
    error: BootworthyError | None = None

    @property
    def names(self) -> list[str]:
        """What it is called there, or would be."""
        first = self.item.targets[0]
        return (
            [f"{first.name}:{tag}" for tag in self.report.names] if self.report else list(map(str, self.item.targets))
        )

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "source": str(self.item.source), "names": self.names,
            "digest": self.report.descriptor.digest if self.report else None,
            "moved": {"blobs": self.report.moved, "bytes": self.report.moved_bytes} if self.report else None,
            "there": {"blobs": self.report.there, "bytes": self.report.there_bytes} if self.report else None,
            "error": self.error.as_json() if self.error else None,
        }  # fmt: skip


def items(workshop: Workshop, catalog: Catalog, chosen: Iterable[Cell], to: str) -> tuple[Item, ...]:
    """What there is to mirror of some cells, each once; bundles of what is built here are named on the way.

    Raises:
        UsageError: `reference.bad`, `mirror.collision`, `mirror.pattern`.
        RefusedError: `catalog.reference-only`; `lock.differs`.
    """
    cells_ = [cell for cell in chosen if cell.support.buildable]
    permit = access.guard(catalog)
    place = _Target(to, catalog.registry)
    found: dict[tuple[str, ...], Item] = {}

    def add(item: Item) -> None:
        key = tuple(map(str, item.targets))
        rival = found.setdefault(key, item)
        if rival.source != item.source:
            raise UsageError(
                "mirror.collision", f"{rival.source} and {item.source} would both be {key[0]}",
                hint="mirror their cells apart, to two places",
            )  # fmt: skip

    for cell in cells_:
        for role, text in cell.images.items():
            source = _source(catalog, cell, role, text)
            permit(source)
            add(Item(source=source, targets=(place.of(Reference.parse(text)),)))
    for item in _bundles(workshop, catalog, cells_, place):
        add(item)
    return tuple(found.values())


def mirror(
    item: Item, workshop: Workshop, registries: Registries, parallel: int = PARALLEL
) -> Mirrored:  # fmt: skip
    """Copy one image; an error that a person can do something about is its result."""
    try:
        source, descriptor = _open(item, workshop, registries)
        destination = registries.place(item.targets[0])
        tags = tuple(name.tag for name in item.targets if name.tag is not None)
        report = copy(source, destination, descriptor, tags, workshop.progress, parallel)
        if item.bundle:
            report = replace(report, names=(*tags, *tag_members(destination, source.manifest(descriptor), tags[0])))
    except BootworthyError as error:
        return Mirrored(item=item, error=error)
    return Mirrored(item=item, report=report)


@dataclass(frozen=True, slots=True)
class _Target:
    """The place that images are mirrored to."""

    to: str
    registry: str | None
    """The catalog's own."""

    def of(self, reference: Reference) -> Reference:
        own = f"{self.registry}/" if self.registry else None
        path = reference.name.removeprefix(own) if own and reference.name.startswith(own) else reference.repository
        # `sha256-...` is taken: registries without referrers keep what refers to an image under it.
        tag = reference.tag or f"digest-{(reference.digest or '').partition(':')[2][:64]}"
        return Reference.parse(f"{self.to.rstrip('/')}/{path}:{tag}")


def _source(catalog: Catalog, cell: Cell, role: str, text: str) -> Reference:
    if "${" in text:
        raise UsageError(
            "mirror.pattern", f"{text} is a pattern, not the name of one image", where=f"{cell.name}: {role}",
            hint="write the version out in the catalog, or mirror other cells",
        )  # fmt: skip
    reference = Reference.parse(text)
    pinned = catalog.pins.cells.get(cell.name)
    pin = pinned.images.get(role) if pinned is not None else None
    return reference.at(pin.digest) if pin is not None and pin.reference == text else reference


def _bundles(workshop: Workshop, catalog: Catalog, chosen: Iterable[Cell], place: _Target) -> Iterator[Item]:
    """The bundles of cells, and their members' names: what is here, and else what the catalog's registry has."""
    pairs: dict[Reference, dict[Cell, CellImages | None]] = {}
    for cell in chosen:
        if publish.bundled(catalog, cell):
            images = cells.present(workshop, catalog, cell)
            pairs.setdefault(publish.names_of(catalog, cell).moving, {})[cell] = images
    for moving, found in pairs.items():
        here = {cell: images for cell, images in found.items() if images is not None}
        for published in publish.publish(workshop, catalog, here):
            yield from _published(published, place)
        if not here:
            yield Item(source=moving, targets=(place.of(moving),), bundle=True, held=_held(catalog, found))


def _published(bundle: Published, place: _Target) -> Iterator[Item]:
    moving, fixed = place.of(bundle.name), place.of(bundle.fixed)
    yield Item(source=bundle.name.at(bundle.digest), targets=(fixed, moving))
    for name in bundle.members.values():
        yield Item(source=name, targets=(place.of(name),))


def _held(catalog: Catalog, found: Iterable[Cell]) -> frozenset[str]:
    """Digests of what we built: those of others are of what their references name, which may be an index."""
    held = ((cell, catalog.pins.cells[cell.name]) for cell in found if cell.name in catalog.pins.cells)
    return frozenset(
        pin.digest for cell, pinned in held for role, pin in pinned.images.items() if role not in cell.images
    )


def _open(item: Item, workshop: Workshop, registries: Registries) -> tuple[Source, Descriptor]:
    """From the store where all of it is there, else from its registry."""
    wanted = item.source
    try:
        descriptor = workshop.store.resolve(wanted)
        if not workshop.store.missing(descriptor):
            return StorePlace(workshop.store), descriptor
        wanted = wanted.at(descriptor.digest)
    except NotFoundError:
        pass
    place = registries.source(wanted)
    descriptor = place.resolve(wanted.digest or wanted.tag or "latest")
    if item.held:
        _require(item, place.manifest(descriptor), descriptor)
    return place, descriptor


def _require(item: Item, raw: bytes, descriptor: Descriptor) -> None:
    lost = sorted(item.held - inside(raw, descriptor, str(item.source)))
    if lost:
        raise RefusedError(
            "lock.differs", f"the lock names images that are not in it: {', '.join(lost)}",
            where=f"{item.source}@{descriptor.digest}", hint="pull the locked images first, or lock the cells again",
        )  # fmt: skip
