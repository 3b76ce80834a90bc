"""The kernel: its path, and releases that do not fit each other, as far as tags tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootworthy.catalog.versions import Version
from bootworthy.machines.facts import GuestKernel, facts
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Machine, reference, said
from bootworthy.targets.lint.rule import Family, Fault, Rule, each
from bootworthy.targets.lint.tree import Node
from bootworthy.vocabulary import Severity

FILENAME = Rule(
    id="LM-001", severity=Severity.ERROR, title="The path of the kernel in its image is missing",
    why="Flintlock refuses a microVM without it, though the resources of Kubernetes let one through.",
    remedy="set it to the path in the image, as boot/vmlinux", source="flintlock v0.11.0, api/types/microvm.proto; "
    "its validator wants `kernel.filename`",
)  # fmt: skip
MOUNT = Rule(
    id="LM-006", severity=Severity.ERROR, title="Modules are mounted where the kernel does not look",
    why="The kernel looks in /lib/modules/RELEASE of its own release: no module loads, and nothing says so.",
    remedy="mount them at /lib/modules/ and the release of the kernel",
    source="depmod.d(5); flintlock v0.11.0, core/steps/cloudinit/disk_mount.go",
)  # fmt: skip
TAGS = Rule(
    id="LM-007", severity=Severity.ERROR, title="Kernel and modules are of different releases",
    why="A kernel refuses the modules of another release, and the guest runs without them.",
    remedy="take both from one build", source="the images of liquidmetal-dev/image-builder: a tag is the release",
)  # fmt: skip
SERIES = Rule(
    id="LM-029", severity=Severity.WARNING, title="Firecracker does not support this kernel series",
    why="Nobody tries it before a release, and its faults are not mended.",
    remedy="move to a series that Firecracker's policy names", source="firecracker, docs/kernel-policy.md (v1.16.1)",
)  # fmt: skip

_RELEASE = re.compile(r"\d+\.\d+(?:\.\d+)?")


def release(node: Node | None) -> str | None:
    """The release that the tag of a kernel or modules image says: `5.10.77`; a missing last part is zero."""
    image = reference(node)
    match = _RELEASE.match(image.tag or "") if image else None
    return None if match is None else full(match[0])


def full(text: str) -> str:
    """`5.12` as `5.12.0`, as a kernel calls itself."""
    return text if text.count(".") != 1 else f"{text}.0"


def find(machine: Machine, asked: Asked) -> Iterator[Fault]:
    """Look at the kernel, and at the modules that are mounted for it."""
    path = machine.kernel_file
    if machine.kind.liquid_metal and (path is None or path.empty):
        where = machine.span if machine.kernel is None else machine.kernel.span
        yield FILENAME.broken(where, "the kernel has no filename" if machine.kernel else "no kernel is named")
    yield from _modules(machine)
    yield from _series(machine, asked)


def _modules(machine: Machine) -> Iterator[Fault]:
    kernel, modules = release(machine.kernel_image), machine.modules
    if modules is None or kernel is None:
        return
    theirs = release(modules.image)
    if theirs is not None and theirs != kernel and modules.image is not None:
        message = f"the tag of the kernel says {kernel}, that of the modules {theirs}"
        yield TAGS.broken(modules.image.span, message, severity=Severity.WARNING)
    place = said(modules.mount)
    if modules.mount is None or place is None:
        return
    mounted = place.rstrip("/").removeprefix("/lib/modules").lstrip("/")
    if mounted != kernel and not mounted.startswith(f"{kernel}-"):
        message = f"modules are mounted at {place}, and the tag of the kernel says {kernel}"
        remedy = f"mount them at /lib/modules/{kernel}"
        yield MOUNT.broken(modules.mount.span, message, severity=Severity.WARNING, remedy=remedy)


def _series(machine: Machine, asked: Asked) -> Iterator[Fault]:
    found = release(machine.kernel_image)
    if not machine.kind.liquid_metal or machine.vmm != "firecracker" or found is None or machine.kernel_image is None:
        return
    series = ".".join(found.split(".")[:2])
    guests = {guest.series: guest for guest in facts("firecracker").guests}
    version = asked.version("firecracker")
    guest = guests.get(series)
    where = machine.kernel_image.span
    if guest is None or not _kept(guest, version):
        message = f"{series} is none of the guest kernels that Firecracker {version.text} supports"
        yield SERIES.broken(where, message)
    elif guest.until is not None and guest.until < asked.at:
        yield SERIES.broken(where, f"Firecracker promised support of {series} until {guest.until}")


def _kept(guest: GuestKernel, version: Version) -> bool:
    """Whether this Firecracker supports a series: it has begun to, and has not stopped."""
    return Version(guest.since) <= version and (guest.dropped is None or version < Version(guest.dropped))


FAMILY = Family(title="Kernel", rules=(FILENAME, MOUNT, TAGS, SERIES), find=each(find))
