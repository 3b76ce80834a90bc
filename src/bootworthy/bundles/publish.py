"""Bundles of what was built here, with their names, in the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bootworthy.builders import cells
from bootworthy.builders.cells import CellImages
from bootworthy.builders.workshop import Workshop
from bootworthy.bundles.compose import Bundle, Document, Names, Part, compose
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.errors import BootworthyError, DocumentError, IntegrityError, NotFoundError
from bootworthy.oci.documents import BUNDLE, INDEX, Index
from bootworthy.oci.image import read_document
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Role

_Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A bundle that has its names in the store."""

    system: str
    kernel: str
    name: Reference
    """The one that moves."""
    fixed: Reference
    digest: str
    members: Mapping[str, Reference] = field(hash=False)
    """`kernel`, `modules`, `initrd-MACHINE` to the names that these can be had by alone."""

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "system": self.system, "kernel": self.kernel, "reference": str(self.name), "fixed": str(self.fixed),
            "digest": self.digest, "members": {suffix: str(name) for suffix, name in self.members.items()},
        }  # fmt: skip


def publish(workshop: Workshop, catalog: Catalog, found: Mapping[Cell, CellImages]) -> tuple[Published, ...]:
    """Name the bundles that cells belong to; what is here of the other cells of their system and kernel is in them too.

    Cells whose images are all published by others have none, unless the catalog says where bundles go.

    Raises:
        SpaceError, HostError: the store cannot be written.
    """
    return tuple(
        _publish(workshop.store, pair, names_of(catalog, own[0]), _whole(workshop, catalog, pair, found))
        for pair, own in _pairs(found).items()
        if any(bundled(catalog, cell) for cell in own)
    )


def complete(workshop: Workshop, catalog: Catalog, found: Mapping[Cell, CellImages]) -> None:
    """Publish the bundles of cells, where the ones that have the names now lack one of their images."""
    lacking = {}
    for cell, images in found.items():
        there = _there(workshop.store, names_of(catalog, cell).moving)
        wanted = {part.descriptor.digest for part in _parts(workshop.store, cell, images)}
        if bundled(catalog, cell) and not wanted <= there:
            lacking[cell] = images
    if lacking:
        publish(workshop, catalog, lacking)


def bundled(catalog: Catalog, cell: Cell) -> bool:
    """Whether a cell is in a bundle of ours."""
    published = {role for roles in cell.images for role in roles.split("+")}
    built = Role.ROOT not in published or not (cell.kernel.embedded or Role.KERNEL in published)
    return cell.support.buildable and (built or catalog.registry is not None)


def goes_out(catalog: Catalog) -> bool:
    """Whether a catalog says in which registry its bundles are: names at `localhost` are of this machine alone."""
    return catalog.registry is not None and catalog.registry.partition("/")[0] != "localhost"


def names_of(catalog: Catalog, cell: Cell) -> Names:
    """What the bundle of a cell is called."""
    return Names(cells.reference_of(catalog, cell, Role.ROOT))


def _pairs(found: Iterable[Cell]) -> dict[_Pair, list[Cell]]:
    pairs: dict[_Pair, list[Cell]] = {}
    for cell in found:
        pairs.setdefault((cell.system.name, cell.kernel.name), []).append(cell)
    return pairs


def _whole(
    workshop: Workshop, catalog: Catalog, pair: _Pair, found: Mapping[Cell, CellImages]
) -> Bundle:  # fmt: skip
    parts: list[Part] = []
    for cell in catalog.cells:
        if (cell.system.name, cell.kernel.name) == pair and cell.support.buildable:
            images = found.get(cell) or _present(workshop, catalog, cell)
            parts += _parts(workshop.store, cell, images) if images else ()
    return compose(parts)


def _present(workshop: Workshop, catalog: Catalog, cell: Cell) -> CellImages | None:
    """The images of a cell that nobody asked for: what is wrong with it is said when somebody does."""
    try:
        return cells.present(workshop, catalog, cell)
    except BootworthyError:
        return None


def _parts(store: Store, cell: Cell, images: CellImages) -> Iterator[Part]:
    for role, digest in images.digests.items():
        image = store.image(Reference.parse(images.references[role]).at(digest), cell.architecture)
        yield Part(role, cell.machine.name, image.config.platform, image.descriptor)


def _publish(store: Store, pair: _Pair, names: Names, bundle: Bundle) -> Published:
    digest = bundle.index.descriptor.digest
    for document in (*bundle.members.values(), bundle.index):
        _put(store, document)
    along = {BUNDLE: digest}
    fixed = names.fixed(digest)
    members = {suffix: names.member(suffix) for suffix in bundle.members}
    store.tag(names.moving, bundle.index.descriptor)
    for suffix, name in members.items():
        store.tag(name, replace(bundle.members[suffix].descriptor, annotations=along))
    if not _there(store, fixed):
        store.tag(fixed, replace(bundle.index.descriptor, annotations=along))
    return Published(system=pair[0], kernel=pair[1], name=names.moving, fixed=fixed, digest=digest, members=members)


def _put(store: Store, document: Document) -> None:
    """Keep an index, unless it is there: a store that cannot be written serves whoever changes nothing."""
    try:
        store.read(document.descriptor)
    except (NotFoundError, IntegrityError):
        store.put_bytes(document.raw, INDEX)


def _there(store: Store, name: Reference) -> set[str]:
    """Digests of the manifests below a name; empty when nothing has it, or no index that can be read."""
    try:
        document = read_document(store, store.resolve(name))
    except (NotFoundError, IntegrityError, DocumentError):
        return set()
    return {each.digest for each in document.manifests} if isinstance(document, Index) else set()
