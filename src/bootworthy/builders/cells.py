"""The images of a cell: built by whichever builder serves its system and kernel, or published by somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bootworthy.builders import busybox, initrd, layer, pinned
from bootworthy.builders.pinned import Held
from bootworthy.builders.workshop import Build, Workshop
from bootworthy.catalog import access
from bootworthy.catalog.entries import Access, Catalog, Cell, Kernel, System
from bootworthy.errors import BuildError, HostError, NotFoundError, UsageError
from bootworthy.host import registry
from bootworthy.machines.facts import facts
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.image import Image
from bootworthy.oci.reference import Reference
from bootworthy.vocabulary import Architecture, Role

_Roles = tuple[Role, ...]
_INITRD = (Role.INITRD,)


class SystemBuilder(Protocol):
    """Makes roots: `SYSTEM_BUILDER` of a module in this room."""

    def serves(self, system: System) -> bool:
        """Whether a system is built this way."""

    def build(self, workshop: Workshop, system: System, architecture: Architecture) -> Build:
        """The build of its root."""


class KernelBuilder(Protocol):
    """Makes kernels and their modules: `KERNEL_BUILDER` of a module in this room."""

    def serves(self, kernel: Kernel) -> bool:
        """Whether a kernel is built this way."""

    def build(self, workshop: Workshop, kernel: Kernel, architecture: Architecture) -> Build:
        """The build of its images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellImages:
    """What a cell is made of."""

    references: Mapping[str, str]
    """Role, or roles joined with `+`, to reference."""
    digests: Mapping[str, str]
    """The same roles to manifest digests."""
    reasons: tuple[str, ...] = ()
    """Why something was built just now; empty when all was found."""


class _NotBuiltError(Exception):
    """Somebody only asked what is there, and something is not."""


def obtain(workshop: Workshop, catalog: Catalog, cell: Cell) -> CellImages:
    """Build what is missing of a cell; what a lock holds is that or nothing. `bundles.publish` gives the names.

    Raises:
        BuildError: `build.no-recipe`, `lock.package-gone`, or a builder failed.
        UsageError: `cell.not-offered`, `cell.pattern`.
        NotFoundError: a published image, or one that a lock names (`lock.not-here`), is not in the store.
        RefusedError: `lock.differs`; `catalog.reference-only`.
        IntegrityError: `lock.other-image`.
    """
    for role, reference in cell.images.items():
        if "${" in reference:
            raise UsageError(
                "cell.pattern", f"{reference} is a pattern, not the name of one image", where=f"{cell.name}: {role}",
                hint=f"write the version out in the catalog, or name images: --root REF --machine {cell.machine.name}",
            )  # fmt: skip
        if catalog.access is Access.REFERENCE_ONLY:
            access.refuse(Reference.parse(reference), [catalog])
    return _images(workshop, catalog, cell, make=True)


def present(workshop: Workshop, catalog: Catalog, cell: Cell) -> CellImages | None:
    """The images of a cell, all built or fetched here; None when one is missing, or a tool to tell. Nothing is made."""
    try:
        return _images(workshop, catalog, cell, make=False)
    except (_NotBuiltError, NotFoundError, BuildError, UsageError, HostError):
        return None


def reasons(workshop: Workshop, catalog: Catalog, cell: Cell) -> tuple[str, ...]:
    """What `obtain` would build of a cell and why, a line each; nothing is made."""
    held = pinned.of(catalog, cell)
    lines: list[str] = []
    for roles, build in _builds(workshop, cell):
        lines += _reasons(workshop, held, roles, build)
    if not lines and (ram_disk := _initrd(workshop, cell, _kernel_images(workshop, catalog, cell))) is not None:
        lines += _reasons(workshop, held, _INITRD, ram_disk)
    return tuple(lines)


def builds_of(workshop: Workshop, cell: Cell, found: Mapping[str, Descriptor]) -> tuple[Build, ...]:
    """Every build that a cell draws on; `found` are the images that it has, by role."""
    builds = [build for _, build in _builds(workshop, cell)]
    ram_disk = None
    if Role.INITRD not in cell.images:
        ram_disk = _initrd(workshop, cell, {role: each for role, each in found.items() if role != Role.INITRD})
    if ram_disk is not None:
        builds += [busybox.build(workshop, cell.architecture), ram_disk]
    return tuple(builds)


def _reasons(workshop: Workshop, held: Held | None, roles: _Roles, build: Build) -> Iterator[str]:
    if held is not None and held.images(workshop.store, roles) is not None:
        return
    for reason in build.reasons(workshop):
        yield f"{build.recipe.subject}: {reason}"


def _images(workshop: Workshop, catalog: Catalog, cell: Cell, *, make: bool) -> CellImages:
    if not cell.support.buildable:
        raise UsageError("cell.not-offered", f"{cell.name} is {cell.support}: there is nothing to build")
    held = pinned.of(catalog, cell)
    found: dict[str, tuple[Reference, Descriptor]] = {}
    for role, reference in cell.images.items():
        name = Reference.parse(reference)
        found[role] = (name, held.image(workshop.store, role) if held else workshop.store.resolve(name))
    why: list[str] = []

    def take(roles: _Roles, build: Build, *drawn: Build) -> None:
        images = held.images(workshop.store, roles) if held else None
        if images is None:
            if not make and (held or build.reasons(workshop)):
                raise _NotBuiltError
            built = held.build(workshop, roles, build, *drawn) if held else build.obtain(workshop)
            why.extend(built.reasons)
            images = built.images
        for role, descriptor in images.items():
            found[role.value] = (reference_of(catalog, cell, role), descriptor)

    for roles, build in _builds(workshop, cell):
        take(roles, build)
    ram_disk = _initrd(workshop, cell, {role: descriptor for role, (_, descriptor) in found.items()})
    if ram_disk is not None:
        take(_INITRD, ram_disk, busybox.build(workshop, cell.architecture))
    return CellImages(
        references={role: str(name) for role, (name, _) in found.items()},
        digests={role: descriptor.digest for role, (_, descriptor) in found.items()},
        reasons=tuple(why),
    )


def reference_of(catalog: Catalog, cell: Cell, role: Role) -> Reference:
    """The name of one of a cell's images: `REGISTRY/SYSTEM:KERNEL`, and `-kernel`, `-modules`, `-initrd-MACHINE`."""
    registry_ = catalog.registry or f"localhost/{catalog.name}"
    suffix = {Role.ROOT: "", Role.INITRD: f"-initrd-{cell.machine.name}"}.get(role, f"-{role}")
    return Reference.parse(f"{registry_}/{cell.system.name}:{cell.kernel.name}{suffix}")


def _builds(workshop: Workshop, cell: Cell) -> Iterator[tuple[_Roles, Build]]:
    """The builds of a cell that need nothing but the catalog, and what they make; published roles are left out."""
    published = {role for roles in cell.images for role in roles.split("+")}
    if Role.ROOT not in published:
        yield (Role.ROOT,), _system_builder(cell.system).build(workshop, cell.system, cell.architecture)
    if Role.KERNEL not in published and not cell.kernel.embedded:
        builder = _kernel_builder(cell.kernel)
        yield (Role.KERNEL, Role.MODULES), builder.build(workshop, cell.kernel, cell.architecture)


def _kernel_images(workshop: Workshop, catalog: Catalog, cell: Cell) -> dict[str, Descriptor]:
    held = pinned.of(catalog, cell)
    found = {
        role: held.image(workshop.store, role) if held else workshop.store.resolve(Reference.parse(name))
        for role, name in cell.images.items()
    }
    for roles, build in _builds(workshop, cell):
        if Role.KERNEL in roles:
            images = held.images(workshop.store, roles) if held else None
            found |= {role.value: each for role, each in (images or build.obtain(workshop).images).items()}
    return found


def _initrd(workshop: Workshop, cell: Cell, found: Mapping[str, Descriptor]) -> Build | None:
    """The build of the initial RAM disk, where one is needed and none is published."""
    if Role.INITRD in found or Role.KERNEL not in found or Role.MODULES not in found:
        return None
    kernel, modules = (workshop.store.image(found[role], cell.architecture) for role in (Role.KERNEL, Role.MODULES))
    return initrd_for(workshop, f"{cell.kernel.name} on {cell.machine.name}", cell.machine.vmm, kernel, modules)


def initrd_for(workshop: Workshop, subject: str, vmm: str, kernel: Image, modules: Image) -> Build | None:
    """The build of an initial RAM disk for any kernel and modules; None when the kernel reaches its root without.

    Raises:
        BuildError: the kernel cannot reach a root on this VMM at all.
    """
    machine = facts(vmm)
    architecture = Architecture.parse(kernel.config.platform.architecture)
    tree = initrd.module_tree(layer.tree_of(workshop, modules))
    if not initrd.plan(machine, layer.tree_of(workshop, kernel), tree).needed:
        return None
    return initrd.build(workshop, subject, machine, architecture, kernel, modules)


def _system_builder(system: System) -> SystemBuilder:
    every: Mapping[str, SystemBuilder] = registry.scan("bootworthy.builders", "SYSTEM_BUILDER")
    for builder in every.values():
        if builder.serves(system):
            return builder
    kind = "dockerfile" if system.dockerfile else "bootstrap, dockerfile or images"
    raise BuildError(
        "build.no-recipe", f"system {system.name} cannot be built here: nothing serves its {kind}",
        hint="give it a `bootstrap`, or `images` that are in the store",
    )  # fmt: skip


def _kernel_builder(kernel: Kernel) -> KernelBuilder:
    every: Mapping[str, KernelBuilder] = registry.scan("bootworthy.builders", "KERNEL_BUILDER")
    for builder in every.values():
        if builder.serves(kernel):
            return builder
    raise BuildError(
        "build.no-recipe",
        f"kernel {kernel.name} cannot be built here",
        hint="give it a `package`, a `build`, or `images` that are in the store",
    )
