"""The images of a cell: built by whichever builder serves its system and kernel, or published by somebody else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from bootworthy.builders import initrd, layer
from bootworthy.builders.workshop import Build, Workshop
from bootworthy.catalog.entries import Catalog, Cell, Kernel, System
from bootworthy.errors import BuildError, HostError, NotFoundError, UsageError
from bootworthy.host import registry
from bootworthy.machines.facts import facts
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.image import Image
from bootworthy.oci.reference import Reference
from bootworthy.vocabulary import Architecture, Role


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
    """Build what is missing of a cell, and name it.

    Raises:
        BuildError: `build.no-recipe`, or a builder failed.
        UsageError: `cell.not-offered`.
        NotFoundError: a published image is not in the store.
    """
    return _images(workshop, catalog, cell, make=True)


def present(workshop: Workshop, catalog: Catalog, cell: Cell) -> CellImages | None:
    """The images of a cell, all built or fetched here; None when one is missing, or a tool to tell. Nothing is made."""
    try:
        return _images(workshop, catalog, cell, make=False)
    except (_NotBuiltError, NotFoundError, BuildError, UsageError, HostError):
        return None


def reasons(workshop: Workshop, cell: Cell) -> tuple[str, ...]:
    """What `obtain` would build of a cell and why, a line each; nothing is made."""
    lines: list[str] = []
    for build in _builds(workshop, cell):
        lines += [f"{build.recipe.subject}: {reason}" for reason in build.reasons(workshop)]
    if not lines and (ram_disk := _initrd(workshop, cell, _kernel_images(workshop, cell))) is not None:
        lines += [f"{ram_disk.recipe.subject}: {reason}" for reason in ram_disk.reasons(workshop)]
    return tuple(lines)


def _images(workshop: Workshop, catalog: Catalog, cell: Cell, *, make: bool) -> CellImages:
    if not cell.support.buildable:
        raise UsageError("cell.not-offered", f"{cell.name} is {cell.support}: there is nothing to build")
    found: dict[str, tuple[Reference, Descriptor]] = {}
    for role, reference in cell.images.items():
        name = Reference.parse(reference)
        found[role] = (name, workshop.store.resolve(name))
    why: list[str] = []

    def take(build: Build) -> None:
        if not make and build.reasons(workshop):
            raise _NotBuiltError
        built = build.obtain(workshop)
        why.extend(built.reasons)
        for role, descriptor in built.images.items():
            name = reference_of(catalog, cell, role)
            if make:
                workshop.store.tag(name, descriptor)
            found[role.value] = (name, descriptor)

    for build in _builds(workshop, cell):
        take(build)
    ram_disk = _initrd(workshop, cell, {role: descriptor for role, (_, descriptor) in found.items()})
    if ram_disk is not None:
        take(ram_disk)
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


def _builds(workshop: Workshop, cell: Cell) -> Iterator[Build]:
    """The builds of a cell that need nothing but the catalog, roles that are published left out."""
    published = {role for roles in cell.images for role in roles.split("+")}
    if Role.ROOT not in published:
        yield _system_builder(cell.system).build(workshop, cell.system, cell.architecture)
    if Role.KERNEL not in published and not cell.kernel.embedded:
        yield _kernel_builder(cell.kernel).build(workshop, cell.kernel, cell.architecture)


def _kernel_images(workshop: Workshop, cell: Cell) -> dict[str, Descriptor]:
    found = {role: workshop.store.resolve(Reference.parse(name)) for role, name in cell.images.items()}
    if Role.KERNEL not in found and not cell.kernel.embedded:
        built = _kernel_builder(cell.kernel).build(workshop, cell.kernel, cell.architecture).obtain(workshop)
        found |= {role.value: descriptor for role, descriptor in built.images.items()}
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
        hint="give it a `package`, or `images` that are in the store",
    )
