"""Write a planned volume: file data from bodies, metadata in bulk, the rest stays a hole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from bootworthy.filesystems import copying
from bootworthy.filesystems.ext4 import groups
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.geometry import GROUP
from bootworthy.filesystems.ext4.inode import SIZE
from bootworthy.filesystems.ext4.options import BLOCK
from bootworthy.filesystems.ext4.plan import Layout
from bootworthy.filesystems.ext4.superblock import OFFSET, Superblock
from bootworthy.host.progress import QUIET, Progress
from bootworthy.layers.ahead import behind
from bootworthy.layers.bulk import bulk
from bootworthy.layers.node import Tree

_BUFFER = 2**20


def write(tree: Tree, layout: Layout, file: BinaryIO, progress: Progress = QUIET) -> None:
    """Write the volume that `layout` plans for `tree` into an open file, which loses what it held.

    Raises:
        IntegrityError: `volume.body`, when a body is shorter than the tree says.
        OSError: as the operating system says; `host.files.writing` makes it an error for people.
    """
    file.flush()
    target = file.fileno()
    copying.blank(target, layout.size)
    for line in layout.left_out:
        progress.note(f"left out an extended attribute that ext4 cannot keep: {line}")

    def store(piece: tuple[int, bytes]) -> None:
        copying.write_at(target, piece[1], piece[0] * BLOCK)

    with (
        progress.task(f"writing ext4, {layout.size >> 20} MiB", layout.data) as task,
        ThreadPoolExecutor(1, "copy") as pool,
        bulk(),
    ):
        copied = pool.submit(copying.copy, tree, _runs(layout), target, task)
        with behind(store) as put:
            for piece in _metadata(layout):
                put(piece)
        copied.result()


def _runs(layout: Layout) -> list[copying.Copy]:
    return [
        copying.Copy(body, position, block * BLOCK, length * BLOCK) for body, position, block, length in layout.copies
    ]


def _metadata(layout: Layout) -> Iterator[tuple[int, bytes]]:
    """Everything but file data, neighbouring blocks joined. The first superblock comes last."""
    sums = Checksums(layout.options.uuid) if layout.options.profile.checksums else None
    yield from _gathered(layout.blobs)
    yield from _tables(layout, sums)
    found = groups.describe(layout.geometry, layout.used, layout.inodes[-1].number, _directories(layout), sums)
    yield from _gathered(sorted(found.bitmaps))
    superblock = Superblock(layout.options, layout.geometry, found.free_blocks, found.free_inodes, layout.journal)
    for group in reversed(layout.geometry.backups()):
        lead = OFFSET if group == 0 else 0
        head = (bytes(lead) + superblock.pack(group)).ljust(BLOCK, b"\0")
        yield group * GROUP, head + found.descriptors


def _directories(layout: Layout) -> list[int]:
    """Directories in each group's inodes."""
    counts = [0] * layout.geometry.groups
    for inode in layout.inodes:
        if inode.is_directory:
            counts[(inode.number - 1) // layout.geometry.inodes_per_group] += 1
    return counts


def _tables(layout: Layout, sums: Checksums | None) -> Iterator[tuple[int, bytes]]:
    """The used part of each inode table."""
    per_group = layout.geometry.inodes_per_group
    left = iter(layout.inodes)
    inode = next(left, None)
    for group, place in enumerate(layout.geometry.inode_tables):
        following, last = group * per_group + 1, (group + 1) * per_group
        parts = []
        while inode is not None and inode.number <= last:
            if inode.number != following:
                parts.append(bytes((inode.number - following) * SIZE))
            parts.append(inode.pack(sums))
            following = inode.number + 1
            inode = next(left, None)
        if parts:
            yield place, b"".join(parts)


def _gathered(blobs: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Blobs in the order of their blocks, joined with their neighbours up to `_BUFFER` bytes."""
    parts: list[bytes] = []
    first = size = 0
    for block, data in blobs:
        if parts and (first * BLOCK + size != block * BLOCK or size >= _BUFFER):
            yield first, b"".join(parts)
            parts, size = [], 0
        if not parts:
            first = block
        parts.append(data)
        size += len(data)
    if parts:
        yield first, b"".join(parts)
