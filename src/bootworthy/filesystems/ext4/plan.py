"""The plan of a volume: its size, and where everything goes. Nothing is written, nothing is guessed.

Fixed parts first, a flex group's at its start; then file data in the order of its bodies, so that earlier bodies keep
their places when later ones change; then directories, long links, attributes, extent trees; the journal last.
"""

from __future__ import annotations

import math
import stat
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bootworthy.errors import InternalError, SpaceError
from bootworthy.filesystems.ext4 import extents, inode, inventory, journal, xattr
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.extents import Extent
from bootworthy.filesystems.ext4.geometry import Geometry, Span, arrange
from bootworthy.filesystems.ext4.inode import Inode
from bootworthy.filesystems.ext4.inventory import Inventory
from bootworthy.filesystems.ext4.options import BLOCK, DEFAULT_FREE, LARGEST, Options
from bootworthy.layers.bulk import bulk
from bootworthy.layers.node import Node, Tree

_STEP = 2**20 // BLOCK
"""Volumes whose size we choose are whole MiB."""
_BYTES_PER_INODE = 16384


class Copy(NamedTuple):
    """A run of blocks that comes from a body."""

    body: int
    """Index into `Tree.bodies`."""
    position: int
    """Where in the body, in bytes."""
    block: int
    """Where in the volume, in blocks."""
    length: int
    """Blocks."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes."""

    options: Options
    size: int
    """Bytes of the volume."""
    geometry: Geometry
    inodes: tuple[Inode, ...]
    """In the order of their numbers."""
    copies: tuple[Copy, ...]
    """In the order of their blocks."""
    blobs: tuple[tuple[int, bytes], ...]
    """Blocks of metadata and where they go, in order."""
    used: tuple[Span, ...]
    """What is in use, in order, neighbours joined."""
    journal: bytes
    """Block map and sizes of the journal, as superblocks repeat them; empty without one."""
    left_out: tuple[str, ...]
    """Extended attributes that ext4 on Linux cannot keep, as `path: name`."""

    @property
    def free(self) -> int:
        """Bytes left over."""
        return (self.geometry.blocks - sum(end - start for start, end in self.used)) * BLOCK

    @property
    def data(self) -> int:
        """Bytes that come from bodies."""
        return sum(copy.length for copy in self.copies) * BLOCK

    def __str__(self) -> str:
        geometry = self.geometry
        return (
            f"ext4 ({self.options.profile}) of {self.size} bytes: "
            f"{geometry.blocks} blocks in {geometry.groups} groups, {len(self.inodes)} of {geometry.inodes} inodes, "
            f"{self.data} bytes of files in {len(self.copies)} runs, "
            f"{self.free} bytes free"
        )


def plan(tree: Tree, options: Options) -> Layout:
    """Where everything of a tree goes in a volume that `options` describe.

    Raises:
        SpaceError: `ext4.too-small`, with the size that would do; `ext4.too-large`.
        RefusedError: the tree has something that ext4 cannot hold; the error names the path.
    """
    sums = Checksums(options.uuid) if options.profile.checksums else None
    with bulk():
        content = inventory.take(tree, options, sums)
        geometry = _fit(content.blocks(), content.last_inode, options)
        return _Placer(content, geometry, options, sums).place()


def _fit(blocks: int, inodes: int, options: Options) -> Geometry:
    """The fixed parts of a volume that holds so many blocks and inodes."""
    if options.size is None:
        return _grow(blocks, inodes, options, DEFAULT_FREE if options.free is None else options.free)
    found = arrange(options.size // BLOCK, _inodes(options.size // BLOCK, inodes, options))
    if found is None or _missing(found, blocks, options, 0) > 0:
        least = _grow(blocks, inodes, options, 0).blocks * BLOCK
        raise SpaceError(
            "ext4.too-small", f"{options.size} bytes are not enough, it takes {least}",
            hint=f"make it {-(-least // 2**20)}M or more",
        )  # fmt: skip
    return found


def _inodes(blocks: int, used: int, options: Options) -> int:
    """How many inodes to make."""
    if options.inodes is not None:
        return max(options.inodes, used)
    return min(max(blocks * BLOCK // _BYTES_PER_INODE, used + used // 8 + 16), 2**32 - 2**20)


def _missing(geometry: Geometry, blocks: int, options: Options, free: float) -> int:
    """Blocks that a volume is short of; 0 or less when all fits."""
    room = free / BLOCK if isinstance(free, int) else free * geometry.blocks
    needed = blocks + math.ceil(room)
    short = 0
    if options.profile.journal:
        log = journal.blocks(geometry.blocks)
        needed += log + extents.nodes(extents.most(1, log))
        short = max(0, journal.SMALLEST_VOLUME - geometry.blocks)
    return max(short, needed - geometry.capacity)


def _grow(blocks: int, inodes: int, options: Options, free: float) -> Geometry:
    """The smallest volume, in whole MiB, that holds so many blocks and inodes and has the wanted room."""
    size = -(-blocks // _STEP) * _STEP or _STEP
    while size * BLOCK <= LARGEST:
        found = arrange(size, _inodes(size, inodes, options))
        short = 1 if found is None else _missing(found, blocks, options, free)
        if found is not None and short <= 0:
            return found
        size += max(1, -(-short // _STEP)) * _STEP
    raise SpaceError("ext4.too-large", "it takes more than the 16 TiB of the largest volume", hint="leave files out")


class _Placer:
    """Gives blocks out from the front of a geometry's spans."""

    def __init__(self, content: Inventory, geometry: Geometry, options: Options, sums: Checksums | None) -> None:
        self._content = content
        self._geometry = geometry
        self._options = options
        self._sums = sums
        self._spans = list(reversed(geometry.spans))
        self._used: list[Span] = []
        self._blobs: list[tuple[int, bytes]] = []

    def place(self) -> Layout:
        content = self._content
        copies = self._files(content.files)
        for taken, data in content.contents:
            self._blocks(taken, data)
        for taken, data in content.attributes:
            taken.acl = self._take(1)[0][0]
            taken.blocks += 1
            self._blobs.append((taken.acl, xattr.seal(data, taken.acl, self._sums)))
        inodes = content.inodes
        log = self._journal() if self._options.profile.journal else None
        if log is not None:
            inodes = sorted([*inodes, log], key=lambda each: each.number)
        size = self._options.size if self._options.size is not None else self._geometry.blocks * BLOCK
        return Layout(
            self._options, size, self._geometry, tuple(inodes), tuple(copies), tuple(sorted(self._blobs)),
            used=tuple(_joined([*self._geometry.fixed, *self._used])), left_out=tuple(content.left_out),
            journal=b"" if log is None else log.content + struct.pack("<II", log.size >> 32, log.size & 0xFFFFFFFF),
        )  # fmt: skip

    def _take(self, count: int) -> list[tuple[int, int]]:
        """So many blocks, as (first block, count)."""
        pieces = []
        while count:
            if not self._spans:
                raise InternalError("ext4.plan", "the plan of a volume ran out of blocks", hint="please report this")
            start, end = self._spans.pop()
            length = min(count, end - start)
            if start + length < end:
                self._spans.append((start + length, end))
            pieces.append((start, length))
            self._used.append((start, start + length))
            count -= length
        return pieces

    def _files(self, files: Sequence[tuple[Inode, Node]]) -> list[Copy]:
        """Place all file data in the order of the bodies; what lies together there lies together here."""
        runs = sorted(
            [
                (chunk[2], chunk[3], -(-chunk[1] // BLOCK), number, chunk[0] // BLOCK)
                for number, (_, node) in enumerate(files)
                for chunk in node.chunks
            ]
        )
        maps: list[list[Extent]] = [[] for _ in files]
        copies: list[Copy] = []
        for start, count in _together(runs):
            pieces = iter(self._take(sum([run[2] for run in runs[start : start + count]])))
            block = left = 0
            for body, position, blocks, number, logical in runs[start : start + count]:
                done = 0
                while done < blocks:
                    if not left:
                        block, left = next(pieces)
                        _append(copies, Copy(body, position + done * BLOCK, block, left))
                    length = min(blocks - done, left)
                    maps[number].append(Extent(logical + done, block, length))
                    block, left, done = block + length, left - length, done + length
        for (taken, _), found in zip(files, maps, strict=True):
            self._map(taken, found)
        return copies

    def _blocks(self, taken: Inode, data: bytes) -> None:
        """Place whole blocks that we have as bytes."""
        found: list[Extent] = []
        done = 0
        for block, length in self._take(len(data) // BLOCK):
            found.append(Extent(done, block, length))
            self._blobs.append((block, data[done * BLOCK : (done + length) * BLOCK]))
            done += length
        self._map(taken, found)

    def _map(self, taken: Inode, found: Sequence[Extent]) -> None:
        """Write the extent tree of an inode."""
        if len(found) > 1 or found[0].length > extents.LONGEST:
            found = extents.merged(found)
        taken.content, nodes = extents.tree(found, taken.number, lambda: self._take(1)[0][0], self._sums)
        self._blobs += nodes
        taken.blocks += sum([extent.length for extent in found]) + len(nodes)

    def _journal(self) -> Inode:
        count = journal.blocks(self._geometry.blocks)
        log = Inode(
            inode.JOURNAL, stat.S_IFREG | 0o600, mtime=self._options.time * 1_000_000_000, size=count * BLOCK,
            flags=inode.EXTENTS,
        )  # fmt: skip
        found: list[Extent] = []
        for block, length in self._take(count):
            found.append(Extent(sum(extent.length for extent in found), block, length))
        self._map(log, found)
        self._blobs.append((found[0].block, journal.superblock(count, self._options.uuid)))
        return log


def _append(copies: list[Copy], new: Copy) -> None:
    """Add a run, joined with the last one where it continues it on both sides."""
    if copies:
        last = copies[-1]
        if (
            last.body == new.body
            and last.block + last.length == new.block
            and last.position + last.length * BLOCK == new.position
        ):
            copies[-1] = last._replace(length=last.length + new.length)
            return
    copies.append(new)


def _together(runs: Sequence[tuple[int, int, int, int, int]]) -> Iterator[tuple[int, int]]:
    """Runs that follow each other in a body without a gap, as (first, count)."""
    first = 0
    end = (-1, 0)
    for number, (body, position, blocks, _, _) in enumerate(runs):
        if (body, position) != end and number:
            yield first, number - first
            first = number
        end = body, position + blocks * BLOCK
    if runs:
        yield first, len(runs) - first


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
