"""What shall boot: images, and the machine they are for; from a cell of a catalog, or named one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bootworthy.builders import cells, layer
from bootworthy.builders.cells import CellImages
from bootworthy.builders.workshop import Workshop
from bootworthy.catalog import access
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.checks.part import Part
from bootworthy.checks.subject import Subject
from bootworthy.errors import UsageError
from bootworthy.layers.node import Tree
from bootworthy.machines.facts import MachineFacts, facts
from bootworthy.oci import sources
from bootworthy.oci.image import Image
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.remote import Registries
from bootworthy.vocabulary import Architecture, Role


# No slots: trees are read once and kept beside the fields.
@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """Images that are to boot together on a machine."""

    facts: MachineFacts
    architecture: Architecture
    images: Mapping[Role, Image]
    """An image that holds several roles stands under each."""
    digests: Mapping[str, str]
    """Role, or roles joined with `+`, to manifest digest."""
    workshop: Workshop = field(repr=False)
    cell: Cell | None = None
    vcpus: int | None = None
    memory_mib: int | None = None
    deadline: float | None = None

    @cached_property
    def trees(self) -> Mapping[Role, Tree]:
        """The merged tree of each image."""
        return {role: layer.tree_of(self.workshop, image) for role, image in self.images.items()}

    @cached_property
    def subject(self) -> Subject:
        """The same, as checks look at it."""
        parts = {role: self._part(role) for role in self.images}
        platforms = {role: image.config.platform.architecture for role, image in self.images.items()}
        names = {one.oci: one for one in Architecture}
        return Subject(
            facts=self.facts, architecture=self.architecture, root=parts.get(Role.ROOT), kernel=parts.get(Role.KERNEL),
            modules=parts.get(Role.MODULES), initrd=parts.get(Role.INITRD),
            platforms={role: names[name] for role, name in platforms.items() if name in names},
        )  # fmt: skip

    def _part(self, role: Role) -> Part:
        image = self.images[role]
        name = image.name if "@" in image.name else f"{image.name}@{image.descriptor.digest}"
        return Part(name, self.trees[role], image.config.labels)


def of_cell(workshop: Workshop, cell: Cell, found: CellImages) -> Target:
    """The target that a cell of a catalog is."""
    machine = cell.machine
    images: dict[Role, Image] = {}
    for roles, reference in found.references.items():
        name = Reference.parse(reference).at(found.digests[roles])
        image = workshop.store.image(name, cell.architecture)
        images |= {Role(role): image for role in roles.split("+")}
    return Target(
        facts=facts(machine.vmm), architecture=cell.architecture, images=images, digests=found.digests,
        workshop=workshop, cell=cell, vcpus=machine.vcpus, memory_mib=machine.memory_mib, deadline=machine.deadline,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Images and a machine that somebody names one by one."""

    references: Mapping[Role, str]
    """Each a reference of the store, or a place as skopeo writes it (`oci:DIR:TAG`)."""
    machine: str | None = None
    vmm: str | None = None
    architecture: Architecture | None = None


def of_names(workshop: Workshop, catalog: Catalog | None, named: Named) -> Target:
    """The target of images that are in no catalog; an initial RAM disk is made where the kernel needs one.

    `catalog` is where `machine` is looked up.

    Raises:
        UsageError: `target.no-root`, `target.no-machine`.
        NotFoundError, IntegrityError, DocumentError: an image cannot be read.
        BuildError: the kernel cannot reach a root on this machine.
    """
    if Role.ROOT not in named.references:
        raise UsageError("target.no-root", "images need a root", hint="add --root REF")
    vmm, architecture, memory_mib, vcpus, deadline = _machine(catalog, named)
    registries = Registries(workshop.settings.registries, workshop.progress, access.guard(catalog))
    images = {
        role: sources.open_source(
            text, workshop.store, architecture=architecture, registries=registries, progress=workshop.progress
        )
        for role, text in named.references.items()
    }
    if {Role.KERNEL, Role.MODULES} <= images.keys() and Role.INITRD not in images:
        subject = f"{images[Role.KERNEL].name} on {vmm}"
        build = cells.initrd_for(workshop, subject, vmm, images[Role.KERNEL], images[Role.MODULES])
        if build is not None:
            built = build.obtain(workshop).images[Role.INITRD]
            images[Role.INITRD] = workshop.store.image(built, architecture)
    return Target(
        facts=facts(vmm), architecture=architecture, images=images, workshop=workshop, vcpus=vcpus,
        digests={role.value: image.descriptor.digest for role, image in images.items()}, memory_mib=memory_mib,
        deadline=deadline,
    )  # fmt: skip


def _machine(catalog: Catalog | None, named: Named) -> tuple[str, Architecture, int | None, int | None, float | None]:
    if named.machine is not None and catalog is not None and named.machine in catalog.machines:
        machine = catalog.machines[named.machine]
        return machine.vmm, machine.architecture, machine.memory_mib, machine.vcpus, machine.deadline
    if named.machine is not None:
        known = ", ".join(catalog.machines) if catalog is not None else ""
        raise UsageError("target.no-machine", f"no machine is called {named.machine!r}", hint=f"one of {known}")
    if named.vmm is None:
        raise UsageError("target.no-machine", "images need a machine", hint="add --machine M, or --vmm V [--arch A]")
    return named.vmm, named.architecture or Architecture.native(), None, None, None
