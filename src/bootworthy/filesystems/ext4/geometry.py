"""Where the fixed parts of a volume lie: superblocks, descriptors, bitmaps, inode tables (ext4: Layout, flex_bg)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bootworthy.filesystems.ext4 import inode
from bootworthy.filesystems.ext4.options import BLOCK

GROUP = 32768
"""Blocks of a block group: as many as one bitmap block has bits."""
FLEX = 16
"""Groups whose bitmaps and inode tables lie together."""
DESCRIPTOR = 64
MOST_INODES = 32768
"""Inodes of a group."""
_IN_BLOCK = BLOCK // inode.SIZE
_GROWTH = 31
"""Blocks behind the descriptors that are left free: growth up to 256 GiB more then moves no file."""
_WORTH = 50
"""A last group with less room than this is cut off."""

Span = tuple[int, int]
"""First block, and the block after the last."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """The fixed parts of a volume."""

    blocks: int
    groups: int
    inodes_per_group: int
    descriptor_blocks: int
    block_bitmaps: tuple[int, ...]
    inode_bitmaps: tuple[int, ...]
    inode_tables: tuple[int, ...]
    fixed: tuple[Span, ...]
    """What the fixed parts occupy, in order."""
    spans: tuple[Span, ...]
    """Where everything else can go, in order."""
    capacity: int
    """Blocks in `spans`."""

    @property
    def table_blocks(self) -> int:
        """Blocks of a group's inode table."""
        return self.inodes_per_group // _IN_BLOCK

    @property
    def inodes(self) -> int:
        """All inodes, reserved ones included."""
        return self.inodes_per_group * self.groups

    def size(self, group: int) -> int:
        """Blocks of a group."""
        return min(GROUP, self.blocks - group * GROUP)

    def backups(self) -> list[int]:
        """Groups that begin with a superblock; the first one's is no backup."""
        return sorted(backup_groups(self.groups))


def backup_groups(groups: int) -> set[int]:
    """Groups 0, 1 and the powers of 3, 5 and 7 (sparse_super)."""
    found = {0, 1} if groups > 1 else {0}
    for base in (3, 5, 7):
        power = base
        while power < groups:
            found.add(power)
            power *= base
    return found


def arrange(blocks: int, inodes: int) -> Geometry | None:
    """The fixed parts of a volume of at most `blocks` blocks, at least `inodes` inodes; None when they do not fit."""
    groups = -(-blocks // GROUP)
    if groups == 0 or inodes > MOST_INODES * groups:
        return None
    per_group = -(-inodes // (groups * _IN_BLOCK)) * _IN_BLOCK
    descriptors = -(-groups * DESCRIPTOR // BLOCK)
    overhead = 1 + descriptors + 2 + per_group // _IN_BLOCK
    rest = blocks % GROUP
    if groups > 1 and 0 < rest < overhead + _WORTH:
        return arrange(blocks - rest, inodes)
    starts = sorted(backup_groups(groups))
    bases = [(group * GROUP, group * GROUP + 1 + descriptors) for group in starts]
    barriers = {group * GROUP: group * GROUP + 1 + descriptors + _GROWTH for group in starts}
    tables = _tables(groups, per_group // _IN_BLOCK, barriers)
    block_bitmaps, inode_bitmaps, inode_tables = tables
    length = per_group // _IN_BLOCK
    placed = [(block, block + 1) for block in (*block_bitmaps, *inode_bitmaps)]
    placed += [(block, block + length) for block in inode_tables]
    if max(end for _, end in placed) > blocks:
        return None
    spans = tuple(_between([*barriers.items(), *placed], blocks))
    return Geometry(
        blocks, groups, per_group, descriptors, tuple(block_bitmaps), tuple(inode_bitmaps), tuple(inode_tables),
        fixed=tuple(sorted([*bases, *placed])), spans=spans, capacity=sum(end - start for start, end in spans),
    )  # fmt: skip


def _tables(groups: int, length: int, barriers: dict[int, int]) -> tuple[list[int], list[int], list[int]]:
    """First blocks of the bitmaps and tables: those of a flex group at its start, around superblocks."""
    found: tuple[list[int], list[int], list[int]] = ([], [], [])
    for flex in range(0, groups, FLEX):
        cursor = flex * GROUP
        for places, count in zip(found, (1, 1, length), strict=True):
            for _ in range(min(FLEX, groups - flex)):
                cursor = _clear(cursor, count, barriers)
                places.append(cursor)
                cursor += count
    return found


def _clear(cursor: int, count: int, barriers: dict[int, int]) -> int:
    """The first place from `cursor` on where `count` blocks lie outside every barrier; barriers begin groups."""
    start = cursor - cursor % GROUP
    cursor = max(cursor, barriers.get(start, 0))
    while cursor + count > start + GROUP:
        start += GROUP
        if start in barriers:
            cursor = max(cursor, barriers[start])
        if cursor < start:
            break
    return cursor


def _between(taken: list[Span], blocks: int) -> Iterator[Span]:
    cursor = 0
    for start, end in sorted(taken):
        if cursor < min(start, blocks):
            yield cursor, min(start, blocks)
        cursor = max(cursor, end)
    if cursor < blocks:
        yield cursor, blocks
