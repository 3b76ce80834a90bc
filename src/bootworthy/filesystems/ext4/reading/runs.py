"""Where the blocks of a file are: extent trees (ext4: Extent Tree), and the block maps of older files (Direct/Indirect
Block Addressing).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bootworthy.filesystems.ext4.extents import LONGEST, Extent
from bootworthy.filesystems.ext4.reading.fault import unreadable
from bootworthy.filesystems.ext4.reading.record import EXTENTS, TREE, Record
from bootworthy.filesystems.ext4.reading.volume import Volume

_HEADER = struct.Struct("<2sHHHI")
_ENTRY = struct.Struct("<IHHI")
_DEPTH = 5
_DIRECT = 12
_MOST_BLOCKS = 2**32


def runs(volume: Volume, record: Record) -> Iterator[Extent]:
    """The blocks of a file, in file order, neighbours joined; what is left out is a hole, and so is what is only
    reserved.

    Raises:
        IntegrityError: `ext4.unreadable`.
    """
    if record.size > _MOST_BLOCKS * volume.block:
        raise unreadable(f"inode {record.number} claims {record.size} bytes", volume.where)
    every = _extents(volume, record, record.content, None) if record.flags & EXTENTS else _mapped(volume, record)
    joined: Extent | None = None
    end = 0
    for extent in every:
        if extent.logical < end:
            raise unreadable(f"the blocks of inode {record.number} overlap", volume.where)
        volume.require(extent.block, extent.length)
        end = extent.logical + extent.length
        if joined is None:
            joined = extent
        elif joined.logical + joined.length == extent.logical and joined.block + joined.length == extent.block:
            joined = Extent(joined.logical, joined.block, joined.length + extent.length)
        else:
            yield joined
            joined = extent
    if joined is not None:
        yield joined


def _extents(volume: Volume, record: Record, node: bytes, depth: int | None) -> Iterator[Extent]:
    """The leaves below a node of a tree; `depth` is what it must say of itself, None for the root."""
    magic, count, room, level, _ = _HEADER.unpack_from(node)
    fits = _HEADER.size + room * _ENTRY.size <= len(node)
    if magic != TREE or not fits or count > room or level > _DEPTH or depth not in {None, level}:
        raise unreadable(f"the extent tree of inode {record.number} is damaged", volume.where)
    for logical, first, second, third in _ENTRY.iter_unpack(node[_HEADER.size : _HEADER.size + count * _ENTRY.size]):
        if level:  # an index: the lower half of the block comes first
            yield from _extents(
                volume, record, _child(volume, record, first | second << 16 | third % 2**16 << 32), level - 1
            )
        elif first <= LONGEST:  # longer ones are reserved, and read as zeros
            yield Extent(logical, second << 32 | third, first)


def _child(volume: Volume, record: Record, number: int) -> bytes:
    node = volume.block_at(number, once=True)
    end = _HEADER.size + _HEADER.unpack_from(node)[2] * _ENTRY.size
    if volume.sums is not None and end + 4 <= len(node):
        said = int.from_bytes(node[end : end + 4], "little")
        if volume.sums.owned(record.number, node[:end], record.generation) != said:
            raise unreadable(f"the checksum of an extent block of inode {record.number} is wrong", volume.where)
    return node


def _mapped(volume: Volume, record: Record) -> Iterator[Extent]:
    """Twelve blocks, then trees of one, two and three levels; only as far as the file goes."""
    end = -(-record.size // volume.block)
    numbers = struct.unpack("<15I", record.content)
    for logical, number in enumerate(numbers[:_DIRECT]):
        if number and logical < end:
            yield Extent(logical, number, 1)
    start, width = _DIRECT, volume.block // 4
    for level, number in enumerate(numbers[_DIRECT:], start=1):
        if number and start < end:
            yield from _indirect(volume, number, level, start, end)
        start += width**level


def _indirect(volume: Volume, number: int, level: int, start: int, end: int) -> Iterator[Extent]:
    content = volume.block_at(number, once=True)
    if not any(content):
        return
    width = (volume.block // 4) ** (level - 1)
    for index, (below,) in enumerate(struct.iter_unpack("<I", content)):
        logical = start + index * width
        if logical >= end:
            return
        if below and level > 1:
            yield from _indirect(volume, below, level - 1, logical, end)
        elif below:
            yield Extent(logical, below, 1)
