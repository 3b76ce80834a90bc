"""Bitmaps and group descriptors, counted from what is used (ext4: Block Group Descriptors, Bitmaps)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.geometry import DESCRIPTOR, GROUP, Geometry, Span
from bootworthy.filesystems.ext4.options import BLOCK

_RECORD = struct.Struct("<IIIHHHHIHHHHIIIHHHHIHHI")
_CHECKSUM = 0x1E
_INODES_UNUSED, _BLOCKS_UNUSED, _ZEROED = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Groups:
    """All that describes the groups of a volume."""

    descriptors: bytes
    bitmaps: list[tuple[int, bytes]]
    """Blocks and what goes there."""
    free_blocks: int
    free_inodes: int


def describe(
    geometry: Geometry, used: Sequence[Span], last_inode: int, directories: Sequence[int], sums: Checksums | None
) -> Groups:
    """The groups of a volume.

    `used` are the spans in use, in order and apart; inodes 1 to `last_inode` are in use; `directories` says how
    many of them are directories, for each group.
    """
    descriptors = bytearray()
    bitmaps: list[tuple[int, bytes]] = []
    free_blocks = free_inodes = 0
    by_group = _by_group(geometry, used)
    own = dict.fromkeys(geometry.backups(), geometry.descriptor_blocks + 1)
    for group in range(geometry.groups):
        taken = sum(end - start for start, end in by_group[group])
        inodes = max(0, min(geometry.inodes_per_group, last_inode - group * geometry.inodes_per_group))
        flags = 0 if sums is None else _ZEROED
        inode_sum = block_sum = 0
        if sums is not None and not inodes:
            flags |= _INODES_UNUSED
        else:
            bitmap = _bitmap([(0, inodes), (geometry.inodes_per_group, BLOCK * 8)])
            bitmaps.append((geometry.inode_bitmaps[group], bitmap))
            inode_sum = sums.of(bitmap[: geometry.inodes_per_group // 8]) if sums else 0
        if sums is not None and taken == own.get(group, 0) and 0 < group < geometry.groups - 1:
            flags |= _BLOCKS_UNUSED
        else:
            bitmap = _bitmap([*by_group[group], (geometry.size(group), GROUP)])
            bitmaps.append((geometry.block_bitmaps[group], bitmap))
            block_sum = sums.of(bitmap) if sums else 0
        free = geometry.size(group) - taken, geometry.inodes_per_group - inodes
        counts = (*free, directories[group], flags, free[1] if sums else 0)
        descriptors += _descriptor(geometry, group, counts, (block_sum, inode_sum), sums)
        free_blocks += free[0]
        free_inodes += free[1]
    return Groups(bytes(descriptors), bitmaps, free_blocks, free_inodes)


def _by_group(geometry: Geometry, used: Sequence[Span]) -> list[list[Span]]:
    """The used spans, cut at group borders and counted from them."""
    found: list[list[Span]] = [[] for _ in range(geometry.groups)]
    for first, end in used:
        start = first
        while start < end:
            group = start // GROUP
            stop = min(end, (group + 1) * GROUP)
            found[group].append((start - group * GROUP, stop - group * GROUP))
            start = stop
    return found


def _bitmap(spans: Sequence[Span]) -> bytes:
    bits = 0
    for start, end in spans:
        bits |= ((1 << end - start) - 1) << start
    return bits.to_bytes(BLOCK, "little")


def _descriptor(
    geometry: Geometry, group: int, counts: tuple[int, ...], bitmap_sums: tuple[int, int], sums: Checksums | None
) -> bytes:
    free_blocks, free_inodes, directories, flags, untouched = counts
    places = geometry.block_bitmaps[group], geometry.inode_bitmaps[group], geometry.inode_tables[group]
    block_sum, inode_sum = bitmap_sums
    record = _RECORD.pack(
        *(place & 0xFFFFFFFF for place in places), free_blocks & 0xFFFF, free_inodes & 0xFFFF, directories & 0xFFFF,
        flags, 0, block_sum & 0xFFFF, inode_sum & 0xFFFF, untouched & 0xFFFF, 0,
        *(place >> 32 for place in places), free_blocks >> 16, free_inodes >> 16, directories >> 16, untouched >> 16,
        0, block_sum >> 16, inode_sum >> 16, 0,
    )  # fmt: skip
    assert len(record) == DESCRIPTOR
    if sums is None:
        return record
    return record[:_CHECKSUM] + struct.pack("<H", sums.descriptor(group, record)) + record[_CHECKSUM + 2 :]
