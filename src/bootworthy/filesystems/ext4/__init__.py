"""ext4, written by us: `plan` says where everything goes, `write` puts it there.

Facts about the format are from Documentation/filesystems/ext4 of Linux, cited as "ext4: SECTION".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from bootworthy.errors import UsageError
from bootworthy.filesystems.ext4 import plan as planning
from bootworthy.filesystems.ext4.options import Options, Profile
from bootworthy.filesystems.ext4.plan import Layout
from bootworthy.filesystems.ext4.write import write
from bootworthy.filesystems.writer import Planned, VolumeOptions
from bootworthy.host.progress import Progress
from bootworthy.layers.node import Tree

_REVISION = 1


@dataclass(frozen=True, slots=True)
class PreparedExt4:
    """A planned ext4 volume."""

    tree: Tree
    layout: Layout

    @property
    def planned(self) -> Planned:
        """What will be written."""
        facts = {
            "filesystem": "ext4", "profile": self.layout.options.profile.value, "size": self.layout.size,
            "free": self.layout.free, "inodes": self.layout.geometry.inodes, "uuid": str(self.layout.options.uuid),
            "left-out-xattrs": list(self.layout.left_out),
        }  # fmt: skip
        return Planned(size=self.layout.size, description=str(self.layout), facts=facts)

    def write(self, file: BinaryIO, progress: Progress) -> None:
        """Write it into an open, empty file."""
        write(self.tree, self.layout, file, progress)


class Ext4:
    """Writes trees as ext4 volumes."""

    @property
    def revision(self) -> int:
        """Raised whenever the same tree and options begin to make other bytes."""
        return _REVISION

    def prepare(self, tree: Tree, options: VolumeOptions, *, uuid: UUID, time: int) -> PreparedExt4:
        """Plan a volume.

        Raises:
            SpaceError: `ext4.too-small`, `ext4.too-large`.
            UsageError: `ext4.profile`, and what `Options` refuses.
            RefusedError: the tree holds something that ext4 cannot keep.
        """
        profiles = {profile.value: profile for profile in Profile}
        name = options.profile or Profile.FULL.value
        if name not in profiles:
            raise UsageError("ext4.profile", f"ext4 has no profile {name!r}", hint=f"one of {', '.join(profiles)}")
        wanted = Options(
            uuid=uuid, profile=profiles[name], size=options.size, free=options.free, inodes=options.inodes,
            label=options.label, time=time,
        )  # fmt: skip
        return PreparedExt4(tree, planning.plan(tree, wanted))


FILESYSTEM = Ext4()
