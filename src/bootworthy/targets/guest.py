"""What a document describes: images by their pinned names, and what was found in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bootworthy.builders.initrd import INITRD_PATH
from bootworthy.checks import ram_disk
from bootworthy.errors import NotFoundError, UsageError
from bootworthy.oci.reference import Reference
from bootworthy.proofs.target import Target as Bootable
from bootworthy.vocabulary import Architecture, Role

_KUBERNETES_LABELS = ("dev.liquidmetal.kubernetes", "works.weave.liquidmetal.kubernetes")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 40


class Layout(StrEnum):
    """How modules lie in their image."""

    FLAT = "flat"
    """`modules.dep` at its top: it is mounted on the folder of its release."""
    ROOTED = "rooted"
    """Under `lib/modules/RELEASE`: mounted on the folder of its release, they would be too deep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modules:
    """A volume of kernel modules."""

    image: str
    layout: Layout
    path: str
    """The folder of the release inside it, absolute; `/` when they are flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One machine, by its images. Everything but name, vCPUs and memory follows from them and the VMM."""

    name: str
    """Lower-case letters, digits and `-`, as Kubernetes wants it."""
    vmm: str
    architecture: Architecture
    vcpus: int
    memory_mib: int
    root: str
    kernel: str
    kernel_file: str
    """Path of the kernel in its image, without a slash before it."""
    release: str
    """As `uname -r` will show it."""
    kernel_has_modules: bool = False
    """Whether the image of the kernel holds its modules too."""
    modules: Modules | None = None
    """None when the root brings its own, or there are none."""
    initrd: str | None = None
    initrd_file: str | None = None
    kubernetes: str | None = None
    """The version that the root brings: `1.23.5`."""
    cloud_init: bool = True
    """Whether the root has the program that reads what Flintlock tells a guest."""

    @property
    def modules_folder(self) -> str:
        """Where the guest looks for modules."""
        return f"/lib/modules/{self.release}"


def of(target: Bootable, name: str | None = None) -> Guest:
    """The guest that images make, after a look into them.

    Raises:
        NotFoundError: `emit.no-kernel`, `emit.no-release`.
        UsageError: `emit.unnamed`, when an image has no name that others could pull it by.
    """
    subject = target.subject
    found = subject.kernel_file
    where = target.images[Role.ROOT].name
    if found is None:
        raise NotFoundError(
            "emit.no-kernel", "there is no kernel in these images", where=where, hint="add --kernel REF"
        )
    if found.release is None:
        raise NotFoundError(
            "emit.no-release", "this kernel does not say its release, from which the place of its modules follows",
            where=found.where, hint="name a kernel that says which it is",
        )  # fmt: skip
    kernel = Role.KERNEL if subject.kernel is not None else Role.ROOT
    initrd, initrd_file = _initrd(target)
    return Guest(
        name=plain_name(name or _name(target)), vmm=target.facts.vmm, architecture=target.architecture,
        vcpus=target.vcpus or target.facts.vcpus, memory_mib=target.memory_mib or target.facts.memory_mib,
        root=_pinned(target, Role.ROOT), kernel=_pinned(target, kernel),
        kernel_file=found.path.decode(errors="surrogateescape").lstrip("/"), release=found.release,
        kernel_has_modules=found.part.folder(b"lib/modules/" + found.release.encode(errors="replace")) is not None,
        modules=_modules(target), initrd=initrd, initrd_file=initrd_file, kubernetes=_kubernetes(target),
        cloud_init=subject.root is not None and subject.root.file(b"usr/bin/cloud-init") is not None,
    )  # fmt: skip


def plain_name(text: str) -> str:
    """A name as Kubernetes and Flintlock take it: `Debian 12/lts` is `debian-12-lts`."""
    return _NOT_IN_NAMES.sub("-", text.lower())[:_LONGEST_NAME].strip("-") or "microvm"


def _name(target: Bootable) -> str:
    if target.cell is not None:
        return target.cell.system.name
    reference = _named(target.images[Role.ROOT].name)
    return reference.repository.rpartition("/")[2] if reference is not None else "microvm"


def _pinned(target: Bootable, role: Role) -> str:
    image = target.images[role]
    if (reference := _named(image.name)) is None:
        raise UsageError(
            "emit.unnamed", f"the {role} is {image.name}, and nobody could pull it by that", where=target.facts.vmm,
            hint=f"give it a name that a registry can have, and say --{role} NAME: bootworthy copy, bootworthy push",
        )  # fmt: skip
    return str(reference.at(image.descriptor.digest))


def _named(text: str) -> Reference | None:
    """The reference that an image of the store is called by; None for a place, a file, or a bare digest."""
    try:
        reference = Reference.parse(text)
    except UsageError:
        return None
    return reference if str(reference) == text else None


def _modules(target: Bootable) -> Modules | None:
    subject = target.subject
    if not subject.modules_are_a_volume or subject.modules_folder is None:
        return None
    path = subject.modules_folder.path.decode(errors="surrogateescape")
    layout = Layout.ROOTED if path else Layout.FLAT
    return Modules(image=_pinned(target, Role.MODULES), layout=layout, path=f"/{path}")


def _initrd(target: Bootable) -> tuple[str | None, str | None]:
    part = target.subject.initrd
    if part is None:
        return None, None
    path = ram_disk.locate(part, target.subject.release) or INITRD_PATH.encode()
    role = Role.INITRD if Role.INITRD in target.images else Role.ROOT
    return _pinned(target, role), path.decode(errors="surrogateescape").lstrip("/")


def _kubernetes(target: Bootable) -> str | None:
    if target.cell is not None and "kubernetes" in target.cell.system.software:
        return target.cell.system.software["kubernetes"]
    labels = target.images[Role.ROOT].config.labels
    return next((labels[name] for name in _KUBERNETES_LABELS if labels.get(name)), None)
