"""What shall boot: images, and the machine they are for; from a cell of a catalog, or named one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from bootworthy.builders import cells, layer
from bootworthy.builders.cells import CellImages
from bootworthy.builders.workshop import Workshop
from bootworthy.catalog import access
from bootworthy.catalog.entries import Catalog, Cell, Machine
from bootworthy.catalog.versions import Version
from bootworthy.checks import kernel_file, ram_disk
from bootworthy.checks.disk import Disk
from bootworthy.checks.part import Part
from bootworthy.checks.subject import Subject
from bootworthy.errors import UsageError
from bootworthy.layers.node import Tree
from bootworthy.machines.facts import MachineFacts, facts
from bootworthy.oci.image import Image
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.remote import Registries
from bootworthy.proofs import setting
from bootworthy.proofs.setting import Setting
from bootworthy.vmms.compose import MODULES_LABEL, ROOT_LABEL
from bootworthy.vmms.plan import Drive
from bootworthy.vocabulary import Architecture, Role
from bootworthy.volumes import plain
from bootworthy.volumes.identity import Source

_LABELS = {Role.ROOT: ROOT_LABEL, Role.MODULES: MODULES_LABEL}


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
    machine: Machine | None = None
    """That of the catalog; None when only its VMM is named."""
    deadline: float | None = None
    """Seconds; None for what the accelerator is given."""
    at: date | None = None
    """The day that checks are asked for; None when days do not matter."""
    told: str | None = None
    """The kernel command line that checks are asked about; None for the one that we would give."""
    version: Version | None = None
    """The oldest release of the VMM that checks are asked about; None for the oldest that the catalog asks for."""

    @cached_property
    def trees(self) -> Mapping[Role, Tree]:
        """The merged tree of each image."""
        read: dict[str, Tree] = {}
        for image in self.images.values():
            if image.descriptor.digest not in read:
                read[image.descriptor.digest] = layer.tree_of(self.workshop, image)
        return {role: read[image.descriptor.digest] for role, image in self.images.items()}

    @cached_property
    def subject(self) -> Subject:
        """The same, as checks look at it."""
        parts = {role: self._part(role) for role in self.images}
        platforms = {role: image.config.platform.architecture for role, image in self.images.items()}
        names = {one.oci: one for one in Architecture}
        where = self.setting
        return Subject(
            facts=self.facts, architecture=self.architecture, root=parts.get(Role.ROOT), kernel=parts.get(Role.KERNEL),
            modules=parts.get(Role.MODULES), initrd=parts.get(Role.INITRD) or self._own_initrd(parts),
            platforms={role: names[name] for role, name in platforms.items() if name in names},
            command_line=where.command_line, disks=tuple(self._disk(drive) for drive in where.drives),
            devices=where.devices, metadata_only="metadata" in where.devices, vmm_version=where.version,
            vcpus=where.vcpus, memory_mib=where.memory_mib, at=self.at, ends=_ends(self.cell),
        )  # fmt: skip

    @property
    def setting(self) -> Setting:
        """Where the images are to boot."""
        return setting.of_machine(
            self.facts, self.architecture, self.digests, self.machine, told=self.told, version=self.version
        )

    @property
    def vcpus(self) -> int | None:
        """vCPUs that the catalog gives; None where it says nothing."""
        return self.machine.vcpus if self.machine else None

    @property
    def memory_mib(self) -> int | None:
        """MiB that the catalog gives; None where it says nothing."""
        return self.machine.memory_mib if self.machine else None

    def _disk(self, drive: Drive) -> Disk:
        return Disk(drive.name, drive.role, _LABELS[drive.role], Source.of(self.images[drive.role]).uuid)

    def _own_initrd(self, parts: Mapping[Role, Part]) -> Part | None:
        """The root again, when it is a whole system: with a kernel, an initial RAM disk, and no other named."""
        root = parts.get(Role.ROOT)
        if root is None or Role.KERNEL in parts or kernel_file.locate(root) is None:
            return None
        return root if ram_disk.locate(root, None) is not None else None

    def _part(self, role: Role) -> Part:
        image = self.images[role]
        digest = image.descriptor.digest
        # What was built for this has no other name than its digest.
        name = image.name if "@" in image.name or image.name == digest else f"{image.name}@{digest}"
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
        workshop=workshop, cell=cell, machine=machine, deadline=machine.deadline,
    )  # fmt: skip


def _ends(cell: Cell | None) -> dict[str, str]:
    """When support of what a cell is made of ends, as far as its catalog says."""
    if cell is None:
        return {}
    named = {
        f"system {cell.system.name}": cell.system.end_of_life,
        f"kernel {cell.kernel.name}": cell.kernel.end_of_life,
    }
    return {name: day for name, day in named.items() if day is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Images and a machine that somebody names one by one."""

    references: Mapping[Role, str]
    """Each a reference of the store, a place as skopeo writes it (`oci:DIR:TAG`), or a plain file."""
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
    machine = _machine(catalog, named)
    vmm, architecture = _vmm(machine, named)
    registries = Registries(workshop.settings.registries, workshop.progress, access.guard(catalog))
    images = {
        role: plain.open_source(
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
        facts=facts(vmm), architecture=architecture, images=images, workshop=workshop, machine=machine,
        digests={role.value: image.descriptor.digest for role, image in images.items()},
        deadline=machine.deadline if machine else None,
    )  # fmt: skip


def _machine(catalog: Catalog | None, named: Named) -> Machine | None:
    if named.machine is None:
        return None
    if catalog is not None and named.machine in catalog.machines:
        return catalog.machines[named.machine]
    known = ", ".join(catalog.machines) if catalog is not None else ""
    raise UsageError("target.no-machine", f"no machine is called {named.machine!r}", hint=f"one of {known}")


def _vmm(machine: Machine | None, named: Named) -> tuple[str, Architecture]:
    if machine is not None:
        return machine.vmm, machine.architecture
    if named.vmm is None:
        raise UsageError("target.no-machine", "images need a machine", hint="add --machine M, or --vmm V [--arch A]")
    return named.vmm, named.architecture or Architecture.native()
