"""cpio archives that a kernel unpacks as its initramfs: of single entries (`write`), or of a whole tree."""

from __future__ import annotations

import functools
from typing import BinaryIO
from uuid import UUID

from bootworthy.filesystems import squeeze, tarred
from bootworthy.filesystems.cpio.newc import (
    LARGEST_FILE,
    LONGEST_PATH,
    TRAILER,
    CpioEntry,
    Header,
    character,
    directory,
    file,
    symlink,
    trailer,
    write,
)
from bootworthy.filesystems.limits import Limits
from bootworthy.filesystems.squeeze import Squeezed
from bootworthy.filesystems.streamed import LeftOut, StreamedVolume
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host.progress import Progress
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.layers.writer import content_of

__all__ = ["FILESYSTEM", "Cpio", "CpioEntry", "character", "directory", "file", "symlink", "write"]

_REVISION = 1
_LIMITS = Limits(filesystem="cpio", largest_file=LARGEST_FILE, times=(0, 2**32 - 1), longest_path=LONGEST_PATH)


class Cpio:
    """Writes trees as initramfs archives."""

    @property
    def revision(self) -> int:
        """Raised whenever the same tree and options begin to make other bytes."""
        return _REVISION

    def prepare(self, tree: Tree, options: VolumeOptions, *, uuid: UUID, time: int) -> StreamedVolume:  # noqa: ARG002
        """Plan an archive. It has no extended attributes, and whole seconds from 1970 to 2106.

        Raises:
            UsageError: `cpio.profile`, `cpio.option`.
            RefusedError: the tree holds something that cpio cannot keep.
        """
        options.refuse("cpio", "size", "free", "inodes", "label", "uuid")
        profile = options.one_of("cpio", squeeze.PROFILES)
        _LIMITS.check(tree)
        if TRAILER in tree.root.children:
            raise _LIMITS.refused("name", TRAILER, "this name marks the end of an archive", "rename the file")
        left_out = LeftOut.of(tree, lambda _path, _name: False, sockets=True)
        return StreamedVolume("cpio", profile, functools.partial(_write, tree, profile), left_out)


def _write(tree: Tree, profile: str, out: BinaryIO, progress: Progress) -> None:
    """A file of several names has its content at the last of them, where GNU cpio and kernels look for it."""
    names: dict[Node, int] = {}
    for _, node in tree.walk():
        names[node] = names.get(node, 0) + 1
    numbers: dict[Node, int] = {}
    left = dict(names)
    with progress.task("writing cpio", tarred.content(tree)) as task, squeeze.squeezed(out, profile, task) as sink:
        for path, node in tree.walk():
            left[node] -= 1
            number = numbers.setdefault(node, len(numbers) + 1)
            _member(sink, tree, node, path, (number, _links(node, names[node])), last=not left[node])
        sink.write(trailer(sink.taken))


def _links(node: Node, names: int) -> int:
    if node.kind is not Kind.DIRECTORY:
        return names
    return 2 + sum(child.kind is Kind.DIRECTORY for child in node.children.values())


def _member(sink: Squeezed, tree: Tree, node: Node, path: bytes, facts: tuple[int, int], *, last: bool) -> None:
    number, links = facts
    size = len(node.target) if node.kind is Kind.SYMLINK else node.size if node.kind is Kind.FILE and last else 0
    header = Header(
        number, node.kind.value | node.mode & 0o7777, node.uid, node.gid, links, node.mtime // 10**9,
        size, node.device if node.kind in {Kind.CHARACTER, Kind.BLOCK} else (0, 0),
    )  # fmt: skip
    sink.write(header.pack(path or b"."))
    if node.kind is Kind.SYMLINK:
        sink.write(node.target)
    elif size:
        for piece in content_of(tree, node)():
            sink.write(piece)
    sink.write(bytes(-size % 4))


FILESYSTEM = Cpio()
