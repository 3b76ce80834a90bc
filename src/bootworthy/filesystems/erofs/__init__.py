"""erofs: a read-only filesystem, written by us uncompressed, and by `mkfs.erofs` compressed.

Facts about the format are from Documentation/filesystems/erofs.rst of Linux, cited as "erofs.rst: SECTION", and the
structures of its on-disk header.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from bootworthy.errors import UsageError
from bootworthy.filesystems.erofs import compressed
from bootworthy.filesystems.erofs import plan as planning
from bootworthy.filesystems.erofs.plan import Options, Plan
from bootworthy.filesystems.erofs.write import write
from bootworthy.filesystems.writer import Planned, PreparedVolume, VolumeOptions
from bootworthy.host.progress import Progress
from bootworthy.layers.node import Tree

_REVISION = 1
FLAT = "flat"
"""One file that holds everything."""
LAYERED = "layered"
"""Metadata alone; the bodies of the layers are its devices, and belong to every image that has these layers."""
_LONGEST_LABEL = 15
"""Bytes; kernels before 6.13 want a NUL behind it."""


@dataclass(frozen=True, slots=True)
class PreparedErofs:
    """A planned uncompressed volume."""

    tree: Tree
    plan: Plan

    @property
    def planned(self) -> Planned:
        """What will be written."""
        plan, options = self.plan, self.plan.options
        profile = LAYERED if options.layered else FLAT
        facts = {
            "filesystem": "erofs", "profile": profile, "size": plan.size, "inodes": len(plan.inodes),
            "uuid": str(options.uuid), "left-out-xattrs": list(plan.left_out),
        }  # fmt: skip
        text = f"erofs ({profile}) of {plan.size} bytes: {len(plan.inodes)} inodes, {plan.data} bytes of files"
        if options.layered:
            facts["devices"] = [{"tag": each.tag, "blocks": each.blocks} for each in plan.devices]
            text += f", {len(plan.devices)} devices"
        devices = tuple(self.tree.bodies[body] for body in plan.bodies)
        return Planned(size=plan.size, description=text, facts=facts, devices=devices)

    def write(self, file: BinaryIO, progress: Progress) -> None:
        """Write it into an open, empty file."""
        write(self.tree, self.plan, file, progress)


class Erofs:
    """Writes trees as erofs volumes."""

    @property
    def revision(self) -> int:
        """Raised whenever the same tree and options begin to make other bytes."""
        return _REVISION

    def prepare(self, tree: Tree, options: VolumeOptions, *, uuid: UUID, time: int) -> PreparedVolume:
        """Plan a volume.

        Raises:
            UsageError: `erofs.profile`, `erofs.label`, `erofs.option`.
            RefusedError: the tree holds something that erofs cannot keep.
            SpaceError: `erofs.too-large`.
            IntegrityError: `volume.body`.
            HostError: `tool.missing`, `erofs.tool-too-old`, for compressed profiles.
        """
        options.refuse("erofs", "size", "free", "inodes")
        profile = options.one_of("erofs", (FLAT, LAYERED, *compressed.PROFILES))
        if len(options.label.encode()) > _LONGEST_LABEL or "\0" in options.label:
            raise UsageError(
                "erofs.label", f"the label {options.label!r} does not fit", hint=f"at most {_LONGEST_LABEL} bytes"
            )
        if profile in compressed.PROFILES:
            return compressed.prepare(tree, profile, label=options.label, uuid=uuid, time=time)
        wanted = Options(uuid=uuid, label=options.label, time=time, layered=profile == LAYERED)
        sizes = [body.stat().st_size for body in tree.bodies] if wanted.layered else []
        return PreparedErofs(tree, planning.plan(tree, wanted, sizes))


FILESYSTEM = Erofs()
