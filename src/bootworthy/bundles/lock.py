"""Holding a catalog to what is here now, and telling what has moved since (docs/lock.md).

Images that others publish are locked as they are in the store, and one that is not there as its registry has it; images
that we build are locked with the packages they were built from. A cell whose images are what they were keeps its date,
so that a lock file that is written again differs only where something did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bootworthy.builders import cells, layer, pinned
from bootworthy.builders.pinned import subject
from bootworthy.builders.workshop import Build, Workshop
from bootworthy.bundles import contents, publish
from bootworthy.catalog import access
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.catalog.identity import images_entry_digest
from bootworthy.catalog.pins import NO_PINS, Pin, PinnedBuild, PinnedCell, Pins
from bootworthy.errors import NotFoundError, UsageError
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.vocabulary import Architecture, Role

Upstream = Callable[[Reference], Descriptor]
"""What a reference means in its registry now."""


@dataclass(frozen=True, slots=True)
class _Now:
    """What a cell is made of now."""

    images: dict[str, Pin]
    found: dict[str, Descriptor]
    """Those of them that are in the store."""


def lock(workshop: Workshop, catalog: Catalog, chosen: Iterable[Cell], upstream: Upstream, now: str) -> Pins:
    """The catalog's pins with those of some cells as they are now; what is locked of others stays.

    `now` is the time, as RFC 3339 has it.

    Raises:
        NotFoundError: `lock.not-built`, `lock.not-here`; as `upstream`.
        RefusedError: `catalog.reference-only`.
        UsageError: `lock.pattern`.
    """
    before = catalog.pins
    free = replace(catalog, pins=NO_PINS)
    offered = {cell.name for cell in catalog.cells if cell.support.buildable}
    found = {name: cell for name, cell in before.cells.items() if name in offered}
    builds = dict(before.builds)
    for cell in chosen:
        if cell.support.buildable:
            made, drawn = _cell(workshop, free, cell, upstream, now)
            was = before.cells.get(cell.name)
            found[cell.name] = was if was is not None and replace(made, resolved=was.resolved) == was else made
            builds |= drawn
    used = {name for cell in catalog.cells if cell.name in found for name in _subjects(cell)}
    return replace(
        before, catalog=catalog.name, cells={name: found[name] for name in sorted(found)},
        builds={name: builds[name] for name in sorted(builds) if name in used},
    )  # fmt: skip


def published(catalog: Catalog, chosen: Iterable[Cell]) -> tuple[tuple[Reference, Architecture], ...]:
    """Where the images lie that a lock holds cells to, each once: by name and digest, with what it is to run on.

    What we build lies where the catalog says that its bundles are published.

    Raises:
        NotFoundError: `lock.not-locked`, `lock.no-registry`.
        RefusedError: `lock.differs`.
    """
    found: dict[tuple[Reference, Architecture], None] = {}
    for cell in chosen:
        held = pinned.of(catalog, cell)
        if held is None:
            raise NotFoundError(
                "lock.not-locked", f"{cell.name} is not in the lock file", where=catalog.pins.where,
                hint=f"bootworthy lock {cell.name}",
            )  # fmt: skip
        for role, pin in held.cell.images.items():
            name = Reference.parse(pin.reference) if role in cell.images else _ours(catalog, cell, role)
            found[name.at(pin.digest), cell.architecture] = None
    return tuple(found)


def _ours(catalog: Catalog, cell: Cell, role: str) -> Reference:
    if not publish.goes_out(catalog):
        raise NotFoundError(
            "lock.no-registry", f"the {role} of {cell.name} is built, and the catalog names no registry that has it",
            where=catalog.source, hint=f"bootworthy build {cell.name}; or write `registry: HOST/PATH` and push bundles",
        )  # fmt: skip
    return cells.reference_of(catalog, cell, Role(role))


def keep(workshop: Workshop, catalog: Catalog, chosen: Iterable[Cell]) -> tuple[Reference, ...]:
    """Let the store keep the bundles that a lock holds: their names that never move go with nothing any more."""
    seen = {cell: cells.present(workshop, catalog, cell) for cell in chosen if cell.name in catalog.pins.cells}
    found = {cell: images for cell, images in seen.items() if images is not None}
    names = tuple(each.fixed for each in publish.publish(workshop, catalog, found))
    for name in names:
        workshop.store.tag(name, workshop.store.resolve(name))
    return names


def _cell(
    workshop: Workshop, catalog: Catalog, cell: Cell, upstream: Upstream, now: str
) -> tuple[PinnedCell, dict[str, PinnedBuild]]:
    state = _published(workshop, catalog, cell, upstream)
    drawn: dict[str, PinnedBuild] = {}
    if len(state.found) == len(cell.images):
        whole = cells.present(workshop, catalog, cell)
        if whole is None:
            raise _not_built(workshop, catalog, cell)
        state = _Now(
            {role: Pin(whole.references[role], digest) for role, digest in whole.digests.items()},
            {
                role: workshop.store.resolve(Reference.parse(whole.references[role]).at(digest))
                for role, digest in whole.digests.items()
            },
        )  # fmt: skip
        drawn = dict(_drawn(workshop, build) for build in cells.builds_of(workshop, cell, state.found))
    elif _needs_building(cell):
        absent = sorted(cell.images.keys() - state.found.keys())
        raise NotFoundError(
            "lock.not-here", f"what is built for {cell.name} depends on its {', '.join(absent)}, not in the store",
            where=cell.name, hint=f"bootworthy pull {cell.images[absent[0]]}",
        )  # fmt: skip
    made = PinnedCell(
        entry=images_entry_digest(cell), kernel_release=_release(workshop, cell, state.found), resolved=now,
        images=state.images,
    )  # fmt: skip
    return made, drawn


def _published(workshop: Workshop, catalog: Catalog, cell: Cell, upstream: Upstream) -> _Now:
    permit = access.guard(catalog)
    wanted = {role: _reference(cell, role, text) for role, text in cell.images.items()}
    images: dict[str, Pin] = {}
    found: dict[str, Descriptor] = {}
    for role, reference in wanted.items():
        permit(reference)
        try:
            found[role] = workshop.store.resolve(reference)
            images[role] = Pin(cell.images[role], found[role].digest)
        except NotFoundError:
            images[role] = Pin(cell.images[role], upstream(reference).digest)
    return _Now(images, found)


def _reference(cell: Cell, role: str, text: str) -> Reference:
    if "${" in text:
        raise UsageError(
            "lock.pattern", f"{text} is a pattern, not the name of one image", where=f"{cell.name}: {role}",
            hint="write the version out in the catalog, or lock other cells",
        )  # fmt: skip
    return Reference.parse(text)


def _needs_building(cell: Cell) -> bool:
    roles = {role for joined in cell.images for role in joined.split("+")}
    if Role.ROOT not in roles or not (cell.kernel.embedded or Role.KERNEL in roles):
        return True
    return Role.INITRD not in roles and {Role.KERNEL, Role.MODULES} <= cell.images.keys()


def _not_built(workshop: Workshop, catalog: Catalog, cell: Cell) -> NotFoundError:
    why = cells.reasons(workshop, catalog, cell)
    return NotFoundError(
        "lock.not-built", f"{cell.name} is not built: {'; '.join(why[:3]) or 'an image is not in the store'}",
        where=cell.name, hint=f"bootworthy build {cell.name}",
    )  # fmt: skip


def _drawn(workshop: Workshop, build: Build) -> tuple[str, PinnedBuild]:
    recipe = build.recipe
    record = workshop.records.find(recipe.key)
    packages = tuple(package.as_json() for package in record.packages) if record is not None else ()
    return subject(recipe.subject, recipe.architecture), PinnedBuild(key=recipe.key, packages=packages)


def _subjects(cell: Cell) -> Iterable[str]:
    """What the builds of a cell are called, whether it has them or not."""
    names = (
        "busybox",
        f"system {cell.system.name}",
        f"kernel {cell.kernel.name}",
        f"initrd {cell.kernel.name} on {cell.machine.name}",
    )
    return (subject(name, cell.architecture) for name in names)


def _release(workshop: Workshop, cell: Cell, found: dict[str, Descriptor]) -> str | None:
    """The kernel's, where the image that has it is here."""
    for role in sorted(found, key=lambda role: Role.KERNEL not in role.split("+")):
        if Role.KERNEL in role.split("+") or (cell.kernel.embedded and Role.ROOT in role.split("+")):
            image = workshop.store.image(found[role], cell.architecture)
            return contents.kernel_release(layer.tree_of(workshop, image), image.config.labels)
    return None
