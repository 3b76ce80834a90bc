"""Inode records of 256 bytes (ext4: Index Nodes)."""

from __future__ import annotations

import functools
import stat
import struct
from dataclasses import dataclass

from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.extents import EMPTY

SIZE = 256
ROOT = 2
JOURNAL = 8
LOST_AND_FOUND = 11
FIRST = 11
"""The first inode that is not reserved."""
MOST_LINKS = 65000
EXTENTS = 0x80000
INDEX = 0x1000
_HEAD = struct.Struct("<II HHI16sHHII4x60s4xII4xHHHH")
"""Number and generation, with which only the checksum begins; then the record up to the checksum."""
_LEAD = 8
_MIDDLE = struct.Struct("<HxxHH")
"""The checksum's lower half, the bytes of fields behind the first 128, the checksum's upper half."""
_EXTRA = 32
_UNSUMMED = _MIDDLE.pack(0, _EXTRA, 0)
_NO_ATTRIBUTES = bytes(96)
_EARLIEST = -(2**31)
_LATEST = 5 * 2**31 - 1
"""Seconds. ext4 reaches to 2446, but e2fsck takes times from 2310 on for an old kernel's error and rewrites them."""


def timestamp(nanoseconds: int) -> tuple[int, int]:
    """Low 32 bits of the seconds, and the field with nanoseconds and two more bits; clamped to 1901..2310."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    if not _EARLIEST <= seconds <= _LATEST:
        seconds, rest = max(_EARLIEST, min(_LATEST, seconds)), 0
    low = seconds & 0xFFFFFFFF
    signed = low - 2**32 if low >= 2**31 else low
    return low, rest << 2 | (seconds - signed) >> 32


@functools.lru_cache(4096)
def _stamps(nanoseconds: int) -> tuple[bytes, bytes, bytes]:
    """Times as they stand in the first half of a record, and behind its checksum without and with empty attributes.

    Many files have the same time, and few have attributes.
    """
    low, extra = timestamp(nanoseconds)
    later = struct.pack("<IIIIIII", extra, extra, extra, low, extra, 0, 0)
    return struct.pack("<IIII", low, low, low, 0), later, later + _NO_ATTRIBUTES


def device(major: int, minor: int) -> bytes:
    """The 60 bytes of a device node: the old form while both numbers are below 256."""
    if major < 256 and minor < 256:
        return struct.pack("<II52x", major << 8 | minor, 0)
    return struct.pack("<II52x", 0, minor & 0xFF | major << 8 | (minor & ~0xFF) << 12)


@dataclass(slots=True)
class Inode:
    """What stands in an inode record; one for each file, so it can change while it is planned."""

    number: int
    mode: int
    """Type and permissions."""
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    """Nanoseconds since 1970; the record's other times are the same."""
    links: int = 1
    size: int = 0
    blocks: int = 0
    """Blocks it owns: content, extent tree, attributes."""
    flags: int = 0
    content: bytes = EMPTY
    """60 bytes: an extent tree's root, a short link's target, a device number."""
    acl: int = 0
    """Its attribute block, 0 for none."""
    inline: bytes = b""
    """Attributes inside the record."""

    @property
    def is_directory(self) -> bool:
        """Whether it is one."""
        return self.mode & 0o170000 == stat.S_IFDIR

    def pack(self, sums: Checksums | None) -> bytes:
        """The record."""
        times, later, tail = _stamps(self.mtime)
        if self.inline:
            tail = later + self.inline
        uid, gid, size, acl, sectors = self.uid, self.gid, self.size, self.acl, self.blocks * 8
        head = _HEAD.pack(
            self.number, 0, self.mode, uid & 0xFFFF, size & 0xFFFFFFFF, times, gid & 0xFFFF, self.links,
            sectors & 0xFFFFFFFF, self.flags, self.content, acl & 0xFFFFFFFF, size >> 32, sectors >> 32, acl >> 32,
            uid >> 16, gid >> 16,
        )  # fmt: skip
        total = 0 if sums is None else sums.of(head + _UNSUMMED + tail)
        return b"".join((head[_LEAD:], _MIDDLE.pack(total & 0xFFFF, _EXTRA, total >> 16), tail))
