"""The names in a directory. Hash trees are read as the lists they also are (ext4: Directory Entries, Hash Tree
Directories).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bootworthy.errors import IntegrityError
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.reading.fault import unreadable
from bootworthy.filesystems.ext4.reading.record import INDEX, Record
from bootworthy.filesystems.ext4.reading.runs import runs
from bootworthy.filesystems.ext4.reading.volume import Volume

_ENTRY = struct.Struct("<IHBB")
_TAIL = struct.pack("<IHBB", 0, 12, 0, 0xDE)
_COUNT = struct.Struct("<HH")
_POINTER = 8
_DOTS = frozenset({b".", b".."})


def names(volume: Volume, record: Record) -> Iterator[tuple[bytes, int]]:
    """Every name with its inode, `.` and `..` left out, in the order they stand.

    Raises:
        IntegrityError: `ext4.unreadable`.
    """
    end = record.size // volume.block
    for logical, first, length in runs(volume, record):
        for index in range(min(length, max(0, end - logical))):
            block = volume.block_at(first + index, once=True)
            if volume.sums is not None:
                _hold(volume, volume.sums, record, block)
            for name, number in _listed(volume, record, block):
                if name not in _DOTS:
                    yield name, number


def _listed(volume: Volume, record: Record, block: bytes) -> Iterator[tuple[bytes, int]]:
    at, end = 0, len(block)
    while at + _ENTRY.size <= end:
        number, length, size, _ = _ENTRY.unpack_from(block, at)
        length = _length(length, end)
        if length < _ENTRY.size + size or length % 4 or at + length > end:
            raise _damaged(volume, record)
        if number and size:
            name = block[at + _ENTRY.size : at + _ENTRY.size + size]
            if b"/" in name or b"\0" in name:
                raise _damaged(volume, record)
            yield name, number
        elif number:
            raise _damaged(volume, record)
        at += length
    if at != end:
        raise _damaged(volume, record)


def _length(length: int, block: int) -> int:
    """Blocks of 64 KiB do not fit into 16 bits."""
    if block < 65536:
        return length
    return block if length in {0, 65535} else length & 65532 | (length & 3) << 16


def _hold(volume: Volume, sums: Checksums, record: Record, block: bytes) -> None:
    """Compare the checksum of a block, which is in its last entry, or behind the room of an index."""
    at = _index(record, block)
    if block[-12:-4] == _TAIL:
        said, found = block[-4:], block[:-12]
    elif at is not None:
        limit, count = _COUNT.unpack_from(block, at)
        tail = at + limit * _POINTER
        if count > limit or tail + _POINTER > len(block):
            raise _damaged(volume, record)
        said, found = block[tail + 4 : tail + 8], block[: at + count * _POINTER] + block[tail : tail + 4] + bytes(4)
    else:
        raise unreadable(f"a block of directory {record.number} has no checksum", volume.where)
    if sums.owned(record.number, found, record.generation) != int.from_bytes(said, "little"):
        raise unreadable(f"the checksum of a block of directory {record.number} is wrong", volume.where)


def _index(record: Record, block: bytes) -> int | None:
    """Where the limit and the count of an index block stand; None for a block of names."""
    if not record.flags & INDEX:
        return None
    first, second = (_length(int.from_bytes(block[at : at + 2], "little"), len(block)) for at in (4, 16))
    if first == len(block):
        return 8
    if first == 12 and second == len(block) - 12:
        return 24 + block[29]  # behind `..`: four bytes, the hash's version, the length of this head
    return None


def _damaged(volume: Volume, record: Record) -> IntegrityError:
    return unreadable(f"directory {record.number} is damaged", volume.where)
