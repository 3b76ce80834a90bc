"""Extent trees: where the blocks of a file are (ext4: Extent Tree)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.options import BLOCK

_MAGIC = 0xF30A
_HEADER = struct.Struct("<HHHHI")
_LEAF = struct.Struct("<IHHI")
_INDEX = struct.Struct("<IIHH")
_SINGLE = struct.Struct("<HHHHIIHHI36x")
ROOT = 4
"""Extents that fit into the inode."""
NODE = 340
"""Extents that fit into a block, with its checksum behind them."""
LONGEST = 32768
"""Blocks of the longest extent."""
EMPTY = _HEADER.pack(_MAGIC, 0, ROOT, 0, 0) + bytes(48)


class Extent(NamedTuple):
    """A run of blocks of a file."""

    logical: int
    """Number of its first block in the file."""
    block: int
    """Number of its first block in the filesystem."""
    length: int
    """Blocks."""


def merged(extents: Sequence[Extent]) -> list[Extent]:
    """The same mapping in as few extents as it takes, in file order, none longer than `LONGEST`."""
    result: list[Extent] = []
    for logical, block, length in sorted(extents):
        if result:
            last = result[-1]
            if last.logical + last.length == logical and last.block + last.length == block:
                result[-1] = Extent(last.logical, last.block, last.length + length)
                continue
        result.append(Extent(logical, block, length))
    if all(extent.length <= LONGEST for extent in result):
        return result
    return [
        Extent(logical + start, block + start, min(LONGEST, length - start))
        for logical, block, length in result
        for start in range(0, length, LONGEST)
    ]


def nodes(extents: int) -> int:
    """Blocks of a tree over so many extents, those in the inode not counted."""
    total, level = 0, extents
    while level > ROOT:
        level = -(-level // NODE)
        total += level
    return total


def most(runs: int, blocks: int) -> int:
    """The most extents that `runs` pieces of `blocks` blocks in all can become.

    Room for data is interrupted at most once a group, and groups are as long as the longest extent.
    """
    return runs + 3 * (blocks // LONGEST) + 2


def single(logical: int, block: int, length: int) -> bytes:
    """The 60 bytes for an inode whose blocks are one extent, no longer than `LONGEST`."""
    return _SINGLE.pack(_MAGIC, 1, ROOT, 0, 0, logical, length, block >> 32, block & 0xFFFFFFFF)


def tree(
    extents: Sequence[Extent], number: int, allocate: Callable[[], int], sums: Checksums | None
) -> tuple[bytes, list[tuple[int, bytes]]]:
    """The 60 bytes for inode `number`, and its tree's blocks with their places.

    `extents` are as `merged` returns them; `allocate` gives one more block.
    """
    if len(extents) == 1:
        return single(*extents[0]), []
    entries = [
        (logical, _LEAF.pack(logical, length, block >> 32, block & 0xFFFFFFFF)) for logical, block, length in extents
    ]
    blocks: list[tuple[int, bytes]] = []
    depth = 0
    while len(entries) > ROOT:
        above = []
        for start in range(0, len(entries), NODE):
            part = entries[start : start + NODE]
            place = allocate()
            blocks.append((place, _node(part, depth, number, sums)))
            above.append((part[0][0], _INDEX.pack(part[0][0], place & 0xFFFFFFFF, place >> 32, 0)))
        entries = above
        depth += 1
    root = _HEADER.pack(_MAGIC, len(entries), ROOT, depth, 0) + b"".join(packed for _, packed in entries)
    return root.ljust(60, b"\0"), blocks


def _node(entries: Sequence[tuple[int, bytes]], depth: int, number: int, sums: Checksums | None) -> bytes:
    content = _HEADER.pack(_MAGIC, len(entries), NODE, depth, 0) + b"".join(packed for _, packed in entries)
    content = content.ljust(BLOCK - 4, b"\0")
    return content + struct.pack("<I", sums.owned(number, content) if sums else 0)
