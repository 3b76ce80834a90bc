"""Volumes: what each VMM makes of them, and their ids."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.catalog.versions import VersionRange
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Machine, Volume, said
from bootworthy.targets.lint.rule import Family, Fault, Rule, each
from bootworthy.vocabulary import Severity

_PROVIDERS = "flintlock v0.11.0, infrastructure/microvm/{firecracker,cloudhypervisor}"
FIRECRACKER = Rule(
    id="LM-011", severity=Severity.ERROR, title="Firecracker has no shared folders",
    why="Only Cloud Hypervisor has virtiofs, so Flintlock refuses the microVM.",
    remedy="use Cloud Hypervisor, or a volume from an image", source=_PROVIDERS,
    holds={"flintlock": VersionRange.parse(">=0.8.0")},
)  # fmt: skip
SHARES = Rule(
    id="LM-012", severity=Severity.ERROR, title="Shared folders that Flintlock cannot give",
    why="It shares one folder, never the root, and puts the disks that follow it on the wrong argument.",
    remedy="share one folder, as the last volume, and mount it by cloud-init with the tag `user`",
    source=f"{_PROVIDERS}, infrastructure/virtiofs", holds={"flintlock": VersionRange.parse(">=0.8.0")},
)  # fmt: skip
MOUNTS = Rule(
    id="LM-013", severity=Severity.ERROR, title="Cloud Hypervisor mounts another disk there",
    why="Flintlock counts device letters without the disk that carries metadata: the first volume is /dev/vdc, and the "
    "metadata, /dev/vdb, are mounted in its place.",
    remedy="leave the mount point away, and mount /dev/vdc or LABEL= in vendor-data",
    source="flintlock v0.11.0, core/steps/cloudinit/disk_mount.go", holds={"flintlock": VersionRange.parse(">=0.6.0")},
)  # fmt: skip
IGNORED = Rule(
    id="LM-014", severity=Severity.WARNING, title="Cloud Hypervisor gets no word of this",
    why="Flintlock does not pass on initial RAM disks, nor that a volume is read-only.",
    remedy="use a kernel that needs no initial RAM disk; do not rely on read-only", source=_PROVIDERS,
    holds={"flintlock": VersionRange.parse(">=0.6.0")},
)  # fmt: skip
UNUSED = Rule(
    id="LM-018", severity=Severity.WARNING, title="Flintlock does nothing with this field",
    why="Labels are dropped, and size and partition of a volume are never read: every volume is as large as the "
    "thin pool's base size.", remedy="remove it, or do not rely on it", source="flintlock v0.11.0, #553",
)  # fmt: skip
IDS = Rule(
    id="LM-020", severity=Severity.ERROR, title="The id of a volume is taken",
    why="Snapshots are kept by the id: two volumes with one id share one; `kernel` and `initrd` are Flintlock's own.",
    remedy="give every volume an id of its own",
    source="flintlock v0.11.0, infrastructure/containerd/image_service.go",
)  # fmt: skip


def find(machine: Machine, _asked: Asked) -> Iterator[Fault]:
    """Look at every volume of a microVM."""
    if not machine.kind.liquid_metal:
        return
    if machine.vmm == "firecracker":
        for volume in machine.volumes:
            if volume.share is not None:
                yield FIRECRACKER.broken(volume.share.span, "a folder of the host is shared with Firecracker")
    yield from _shares(machine)
    if machine.vmm == "cloudhypervisor":
        yield from _cloud_hypervisor(machine)
    yield from _unused(machine)
    yield from _ids(machine)


def _shares(machine: Machine) -> Iterator[Fault]:
    if machine.kind.flintlock and machine.root is not None and machine.root.share is not None:
        yield SHARES.broken(machine.root.share.span, "the root cannot be a shared folder")
    shared = [volume for volume in machine.volumes if volume.share is not None]
    for volume in shared:
        assert volume.share is not None
        if volume is not shared[0]:
            yield SHARES.broken(volume.share.span, "a second folder is shared")
        if volume.image is not None:
            yield SHARES.broken(volume.share.span, "a volume has an image and a shared folder")
        if volume is not machine.volumes[-1]:
            message = "a volume follows the shared folder"
            yield SHARES.broken(volume.share.span, message, severity=Severity.WARNING)
        if volume.mount is not None:
            message = "a shared folder has a mount point, where a disk is mounted"
            yield SHARES.broken(volume.mount.span, message, severity=Severity.WARNING)


def _cloud_hypervisor(machine: Machine) -> Iterator[Fault]:
    for volume in machine.volumes:
        if volume.mount is not None and volume.share is None:
            yield MOUNTS.broken(volume.mount.span, f"{said(volume.mount)} is mounted one device too early")
    if machine.initrd is not None:
        yield IGNORED.broken(machine.initrd.span, "the initial RAM disk is ignored")
    for volume in _every(machine):
        if volume.read_only is not None and volume.read_only.value is True:
            yield IGNORED.broken(volume.read_only.span, "the volume is writable all the same")


def _unused(machine: Machine) -> Iterator[Fault]:
    labels = machine.names.entry(machine.node, "labels") if machine.kind.flintlock else None
    if labels is not None and labels.node.entries:
        yield UNUSED.broken(labels.key, "labels are dropped")
    for volume in _every(machine) if machine.kind.flintlock else ():
        for name, word in (("size", "the size"), ("partition", "the partition")):
            entry = machine.names.entry(volume.node, name)
            if entry is not None and not entry.node.empty:
                yield UNUSED.broken(entry.key, f"{word} of a volume has no effect")


def _ids(machine: Machine) -> Iterator[Fault]:
    seen: set[str] = set()
    for volume in _every(machine):
        name = said(volume.id)
        if volume.id is None or name is None:
            continue
        if name in seen:
            yield IDS.broken(volume.id.span, f"two volumes have the id {name!r}")
        elif name in {"kernel", "initrd"}:
            yield IDS.broken(volume.id.span, f"the id {name!r} is Flintlock's own", severity=Severity.WARNING)
        seen.add(name)


def _every(machine: Machine) -> list[Volume]:
    return [*([machine.root] if machine.root else []), *machine.volumes]


FAMILY = Family(title="Volumes", rules=(FIRECRACKER, SHARES, MOUNTS, IGNORED, UNUSED, IDS), find=each(find))
