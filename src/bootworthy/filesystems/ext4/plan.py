"""The plan of a volume: its size, and where everything goes. Nothing is written, nothing is guessed.

Fixed parts first, a flex group's at its start; then file data in the order of its bodies, so that earlier bodies keep
their places when later ones change; then directories, long links, attributes, extent trees; the journal last.
"""

from __future__ import annotations

import bisect
import math
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from bootworthy.errors import InternalError, SpaceError
from bootworthy.filesystems.ext4 import extents, inode, inventory, journal, xattr
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.extents import Extent
from bootworthy.filesystems.ext4.geometry import Geometry, Span, arrange
from bootworthy.filesystems.ext4.inode import Inode
from bootworthy.filesystems.ext4.inventory import Inventory, Run
from bootworthy.filesystems.ext4.options import BLOCK, DEFAULT_FREE, LARGEST, Options
from bootworthy.layers.bulk import bulk
from bootworthy.layers.node import Tree

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
        copies = self._files(content.runs)
        for taken, data in content.contents:
            self._blocks(taken, data)
        for taken, data in content.attributes:
            taken.acl = self._take(1)[0][0]
            taken.blocks += 1
            self._blobs.append((taken.acl, xattr.seal(data, taken.acl, self._sums)))
        inodes = content.inodes
        log = self._journal() if self._options.profile.journal else None
        if log is not None:
            inodes = [*inodes]
            bisect.insort(inodes, log, key=attrgetter("number"))
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

    def _files(self, runs: Mapping[int, list[Run]]) -> list[Copy]:
        """Place all file data in the order of the bodies; what lies together there lies together here."""
        copies: list[Copy] = []
        parts: dict[int, tuple[Inode, list[Extent]]] = {}
        for body in sorted(runs):
            ordered = sorted(runs[body])
            for first, end in _together(ordered):
                some = ordered[first:end]
                pieces = self._take(sum([run[1] for run in some]))
                position = some[0][0] * BLOCK
                for block, length in pieces:
                    _append(copies, Copy(body, position, block, length))
                    position += length * BLOCK
                _spread(some, pieces, parts)
        for number in sorted(parts):
            self._map(*parts[number])
        return copies

    def _blocks(self, taken: Inode, data: bytes) -> None:
        """Place whole blocks that we have as bytes."""
        taken.blocks += len(data) // BLOCK
        found: list[Extent] = []
        done = 0
        for block, length in self._take(len(data) // BLOCK):
            found.append(Extent(done, block, length))
            self._blobs.append((block, data[done * BLOCK : (done + length) * BLOCK]))
            done += length
        self._map(taken, found)

    def _map(self, taken: Inode, found: Sequence[Extent]) -> None:
        """Write the extent tree of an inode, which knows how many blocks it has without it."""
        if len(found) > 1 or found[0].length > extents.LONGEST:
            found = extents.merged(found)
        taken.content, nodes = extents.tree(found, taken.number, lambda: self._take(1)[0][0], self._sums)
        self._blobs += nodes
        taken.blocks += len(nodes)

    def _journal(self) -> Inode:
        count = journal.blocks(self._geometry.blocks)
        log = Inode(
            inode.JOURNAL, stat.S_IFREG | 0o600, mtime=self._options.time * 1_000_000_000, size=count * BLOCK,
            blocks=count, flags=inode.EXTENTS,
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


def _together(runs: Sequence[Run]) -> Iterator[tuple[int, int]]:
    """Runs that follow each other in a body without a gap, as (first, end)."""
    first = 0
    expected = runs[0][0]
    for number, run in enumerate(runs):
        if run[0] != expected:
            yield first, number
            first = number
        expected = run[0] + run[1]
    yield first, len(runs)


def _spread(
    runs: Sequence[Run], pieces: Iterable[tuple[int, int]], parts: dict[int, tuple[Inode, list[Extent]]]
) -> None:
    """Map runs to pieces that they fill; what is not the whole of its file goes to `parts` by the file's number."""
    places = iter(pieces)
    block = left = 0
    for _, blocks, number, logical, whole, taken in runs:
        if whole and blocks <= left and blocks <= extents.LONGEST:  # nearly every file
            taken.content = extents.single(logical, block, blocks)
            block += blocks
            left -= blocks
            continue
        done = 0
        found = parts.setdefault(number, (taken, []))[1]
        while done < blocks:
            if not left:
                block, left = next(places)
            length = min(blocks - done, left)
            found.append(Extent(logical + done, block, length))
            block, left, done = block + length, left - length, done + length


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
