"""One inode, as its record says it (ext4: Index Nodes)."""

from __future__ import annotations

import stat
import struct
from dataclasses import dataclass

from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.reading.fault import unreadable
from bootworthy.filesystems.ext4.reading.volume import Volume
from bootworthy.layers.node import Kind

_OLD = 128
"""Bytes of a record that every ext filesystem has."""
_HEAD = struct.Struct("<HHI8xi4xHH4xI4x60sIII")
_HIGH = struct.Struct("<HHHHH")
"""From 0x74: blocks, attribute block, owner, group, checksum."""
_EXTRA = struct.Struct("<HHII")
"""From 0x80: bytes of fields behind the first 128, checksum, two more bits of times and nanoseconds."""
_SUM_LOW, _SUM_HIGH = 0x7C, 0x82
_KINDS = {kind.value: kind for kind in Kind}
_SECOND = 10**9

EXTENTS, INDEX = 0x80000, 0x1000
TREE = b"\x0a\xf3"
"""How every node of an extent tree begins."""
_ENCRYPTED, _INLINE = 0x800, 0x10000000


@dataclass(frozen=True, slots=True)
class Record:
    """What stands in a record."""

    number: int
    generation: int
    """What the checksums of what it owns begin with, too."""
    kind: Kind
    mode: int
    uid: int
    gid: int
    mtime: int
    """Nanoseconds since 1970."""
    size: int
    flags: int
    content: bytes
    """60 bytes: a block map, a short link's target, a device number."""
    acl: int
    """Its attribute block, 0 for none."""
    tail: bytes
    """What follows the fields; attributes may be there."""

    @classmethod
    def read(cls, volume: Volume, number: int) -> Record:
        """The inode of a number.

        Raises:
            IntegrityError: `ext4.unreadable`.
        """
        raw = volume.record_at(number)
        mode, uid, size, mtime, gid, links, flags, content, generation, acl, size_high = _HEAD.unpack_from(raw)
        _, acl_high, uid_high, gid_high, _ = _HIGH.unpack_from(raw, 0x74)
        extra, stamp, fields = 0, 0, _OLD
        if len(raw) > _OLD:
            extra, _, _, stamp = _EXTRA.unpack_from(raw, _OLD)
            fields += extra
            if extra % 4 or fields > len(raw):
                raise unreadable(f"the fields of inode {number} are longer than its record", volume.where)
        if volume.sums is not None:
            _hold(volume, volume.sums, raw, number, generation, high=extra >= 4)
        kind = _KINDS.get(stat.S_IFMT(mode))
        if kind is None or links == 0:
            raise unreadable(f"inode {number} is in use and says that it is not", volume.where)
        if flags & (_ENCRYPTED | _INLINE):
            how = "encrypted" if flags & _ENCRYPTED else "kept inside its record (inline_data)"
            raise unreadable(f"inode {number} is {how}, which we do not read", volume.where)
        time = mtime * _SECOND
        if extra >= 12:  # up to i_mtime_extra
            time += ((stamp & 3) << 32) * _SECOND + (stamp >> 2)
        return cls(
            number, generation, kind, stat.S_IMODE(mode), uid | uid_high << 16, gid | gid_high << 16, time,
            size | size_high << 32, flags, content, acl | acl_high << 32, raw[fields:],
        )  # fmt: skip

    @property
    def has_tree(self) -> bool:
        """Whether its content is the root of an extent tree."""
        return bool(self.flags & EXTENTS) and self.content.startswith(TREE)

    @property
    def device(self) -> tuple[int, int]:
        """Major and minor of a device node."""
        old, new = struct.unpack_from("<II", self.content)
        if old:
            return old >> 8 & 0xFF, old & 0xFF
        return new >> 8 & 0xFFF, new & 0xFF | new >> 12 & 0xFFF00


def _hold(volume: Volume, sums: Checksums, raw: bytes, number: int, generation: int, *, high: bool) -> None:
    """Compare the checksum of a record with what it says."""
    plain = bytearray(raw)
    plain[_SUM_LOW : _SUM_LOW + 2] = bytes(2)
    said = int.from_bytes(raw[_SUM_LOW : _SUM_LOW + 2], "little")
    if high:
        plain[_SUM_HIGH : _SUM_HIGH + 2] = bytes(2)
        said |= int.from_bytes(raw[_SUM_HIGH : _SUM_HIGH + 2], "little") << 16
    found = sums.owned(number, bytes(plain), generation)
    if said != (found if high else found & 0xFFFF):
        raise unreadable(f"the checksum of inode {number} is wrong", volume.where)
