"""An image as one layer: a tar of the merged tree, as it is or compressed."""

from __future__ import annotations

import functools
from typing import BinaryIO
from uuid import UUID

from bootworthy.filesystems import squeeze, tarred
from bootworthy.filesystems.limits import Limits
from bootworthy.filesystems.streamed import LeftOut, StreamedVolume
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host.progress import Progress
from bootworthy.layers import writer
from bootworthy.layers.node import Tree

_REVISION = 1
_LIMITS = Limits(filesystem="tar", largest_file=2**63 - 1)


class Tar:
    """Writes trees as tars."""

    @property
    def revision(self) -> int:
        """Raised whenever the same tree and options begin to make other bytes."""
        return _REVISION

    def prepare(self, tree: Tree, options: VolumeOptions, *, uuid: UUID, time: int) -> StreamedVolume:  # noqa: ARG002
        """Plan a tar: ustar, with pax records where they are needed.

        Raises:
            UsageError: `tar.profile`, `tar.option`.
            RefusedError: the tree holds something that a tar cannot keep.
        """
        options.refuse("tar", "size", "free", "inodes", "label", "uuid")
        profile = options.one_of("tar", squeeze.PROFILES)
        tarred.check(tree, _LIMITS)
        left_out = LeftOut.of(tree, lambda _path, _name: True, sockets=False)
        return StreamedVolume("tar", profile, functools.partial(_write, tree, profile), left_out)


def _write(tree: Tree, profile: str, file: BinaryIO, progress: Progress) -> None:
    with (
        progress.task("writing tar", tarred.content(tree)) as task,
        squeeze.squeezed(file, profile, task) as sink,
    ):
        writer.write(writer.members_of(tree), sink, compress=False)


FILESYSTEM = Tar()
