"""Extended attributes: what is in the record of an inode, and in its one block more (ext4: Extended Attributes)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from bootworthy.errors import IntegrityError
from bootworthy.filesystems.ext4.reading.fault import unreadable
from bootworthy.filesystems.ext4.reading.record import Record
from bootworthy.filesystems.ext4.reading.volume import Volume
from bootworthy.filesystems.ext4.xattr import ACLS, MAGIC, NAMED, PREFIXES

_ENTRY = struct.Struct("<BBHIII")
_HEADER = 32
_SUM = slice(16, 20)
_SYSTEM = (b"system.", 7)
_WHOLE = {number: name for name, number in ACLS.items()}
_STARTS = {number: prefix for prefix, number in (*PREFIXES, _SYSTEM)}
_NOBODY = 0xFFFFFFFF


def attributes(volume: Volume, record: Record) -> tuple[tuple[bytes, bytes], ...]:
    """Full names and values as Linux has them, sorted by name.

    Raises:
        IntegrityError: `ext4.unreadable`.
    """
    found: dict[bytes, bytes] = {}
    magic = struct.pack("<I", MAGIC)
    if record.tail.startswith(magic):
        found |= _entries(volume, record, record.tail[4:], 0)
    if record.acl:
        # One block may serve several inodes that have the same attributes.
        block = volume.block_at(record.acl)
        if not block.startswith(magic):
            raise _damaged(volume, record)
        if volume.sums is not None:
            plain = block[: _SUM.start] + bytes(4) + block[_SUM.stop :]
            if volume.sums.placed(record.acl, plain) != int.from_bytes(block[_SUM], "little"):
                raise unreadable(f"the checksum of the attributes of inode {record.number} is wrong", volume.where)
        found |= _entries(volume, record, block, _HEADER)
    return tuple(sorted(found.items()))


def _entries(volume: Volume, record: Record, room: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """Entries from `at` on, up to four zero bytes or the end; values are counted from the start of `room`."""
    while at + _ENTRY.size <= len(room) and room[at : at + 4] != bytes(4):
        length, namespace, offset, elsewhere, size, _ = _ENTRY.unpack_from(room, at)
        name = room[at + _ENTRY.size : at + _ENTRY.size + length]
        if elsewhere:
            what = f"inode {record.number} keeps an attribute in another inode (ea_inode), which we do not read"
            raise unreadable(what, volume.where)
        if len(name) != length or b"\0" in name or offset + size > len(room):
            raise _damaged(volume, record)
        value = room[offset : offset + size]
        if namespace in _WHOLE:
            yield _WHOLE[namespace], _acl(volume, record, value)
        elif namespace in _STARTS and name:
            yield _STARTS[namespace] + name, value
        else:
            raise _damaged(volume, record)
        at += _ENTRY.size + (length + 3 & ~3)


def _acl(volume: Volume, record: Record, value: bytes) -> bytes:
    """From the form on disk (version 1) to that of system calls (version 2), which has an id in every entry."""
    if value[:4] != b"\1\0\0\0":
        raise _damaged(volume, record)
    out, at = bytearray(b"\2\0\0\0"), 4
    while at < len(value):
        named = int.from_bytes(value[at : at + 2], "little") in NAMED
        entry = value[at : at + (8 if named else 4)]
        if len(entry) != (8 if named else 4):
            raise _damaged(volume, record)
        out += entry if named else entry + struct.pack("<I", _NOBODY)
        at += len(entry)
    return bytes(out)


def _damaged(volume: Volume, record: Record) -> IntegrityError:
    return unreadable(f"the attributes of inode {record.number} are damaged", volume.where)
