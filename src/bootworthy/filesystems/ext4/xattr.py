"""Extended attributes: in what is left of the inode, and in one block more (ext4: Extended Attributes)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from bootworthy.errors import RefusedError
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.options import BLOCK

MAGIC = 0xEA020000
INLINE = 96
"""Bytes of a 256-byte inode behind its fields."""
_HEADER = struct.Struct("<IIIII12x")
_ENTRY = struct.Struct("<BBHIII")
PREFIXES = ((b"user.", 1), (b"trusted.", 4), (b"security.", 6))
ACLS = {b"system.posix_acl_access": 2, b"system.posix_acl_default": 3}
NAMED = frozenset({0x02, 0x08})
"""ACL entries that name a user or a group; only these keep an id on disk."""
_PLAIN = frozenset({0x01, 0x04, 0x10, 0x20})
_MASK = 0xFFFFFFFF

Xattrs = tuple[tuple[bytes, bytes], ...]


class Attribute(NamedTuple):
    """An attribute as it stands on disk, in the order blocks want."""

    namespace: int
    length: int
    name: bytes
    value: bytes

    @property
    def entry(self) -> int:
        """Bytes of the entry."""
        return _ENTRY.size + (self.length + 3 & ~3)

    @property
    def room(self) -> int:
        """Bytes of entry and value."""
        return self.entry + (len(self.value) + 3 & ~3)


class Packed(NamedTuple):
    """Attributes of one inode."""

    inline: bytes
    """`INLINE` bytes, or none."""
    block: bytes
    """A block that still lacks its checksum, or none."""


def supported(name: bytes) -> bool:
    """Whether Linux can keep an attribute of this name on ext4; macOS's `com.apple.*` for one it cannot."""
    return name in ACLS or any(name.startswith(prefix) and len(name) > len(prefix) for prefix, _ in PREFIXES)


def pack(xattrs: Xattrs, where: str) -> Packed:
    """Attributes with full names and values as Linux has them, to disk form; those not `supported` are left out.

    Raises:
        RefusedError: `ext4.xattr-too-large`, `ext4.xattr-name`, `ext4.acl`; `where` is the path they name.
    """
    attributes = sorted(_attribute(name, value, where) for name, value in xattrs if supported(name))
    inline, rest = [], []
    left = INLINE - 8
    for attribute in attributes:
        if attribute.room <= left:
            left -= attribute.room
            inline.append(attribute)
        else:
            rest.append(attribute)
    excess = sum(attribute.room for attribute in rest) - (BLOCK - _HEADER.size - 4)
    if excess > 0:
        raise RefusedError(
            "ext4.xattr-too-large", f"its extended attributes are {excess} bytes more than ext4 has room for",
            where=where, hint="make them shorter, or remove some",
        )  # fmt: skip
    return Packed(_inline(inline) if inline else b"", _block(rest) if rest else b"")


def seal(block: bytes, number: int, sums: Checksums | None) -> bytes:
    """An attribute block as it is written at block `number`."""
    if sums is None:
        return block
    return block[:16] + struct.pack("<I", sums.placed(number, block)) + block[20:]


def _attribute(name: bytes, value: bytes, where: str) -> Attribute:
    if name in ACLS:
        return Attribute(ACLS[name], 0, b"", _acl(value, where))
    prefix, index = next(pair for pair in PREFIXES if name.startswith(pair[0]))
    short = name[len(prefix) :]
    if len(short) > 255 or b"\0" in short:
        raise RefusedError(
            "ext4.xattr-name", f"ext4 cannot keep an extended attribute named {name[:80]!r}", where=where,
            hint="remove the attribute",
        )  # fmt: skip
    return Attribute(index, len(short), short, value)


def _acl(value: bytes, where: str) -> bytes:
    """From the form of system calls (version 2, an id in every entry) to the form on disk (version 1)."""
    if len(value) < 4 or (len(value) - 4) % 8 or value[:4] != b"\2\0\0\0":
        raise _bad_acl(where)
    out = bytearray(b"\1\0\0\0")
    for tag, permissions, owner in struct.iter_unpack("<HHI", value[4:]):
        if tag in NAMED:
            out += struct.pack("<HHI", tag, permissions, owner)
        elif tag in _PLAIN:
            out += struct.pack("<HH", tag, permissions)
        else:
            raise _bad_acl(where)
    return bytes(out)


def _bad_acl(where: str) -> RefusedError:
    return RefusedError("ext4.acl", "its access control list is broken", where=where, hint="remove or rewrite it")


def _inline(attributes: list[Attribute]) -> bytes:
    """Values are counted from the first entry, behind the magic."""
    return struct.pack("<I", MAGIC) + _fill(bytearray(INLINE - 4), attributes, 0)[0]


def _block(attributes: list[Attribute]) -> bytes:
    """Values are counted from the start of the block."""
    content, hashes = _fill(bytearray(BLOCK), attributes, _HEADER.size)
    total = 0
    for value in hashes:
        total = (total << 16 | total >> 16) & _MASK ^ value
    return _HEADER.pack(MAGIC, 1, 1, total if all(hashes) else 0, 0) + content[_HEADER.size :]


def _fill(room: bytearray, attributes: list[Attribute], start: int) -> tuple[bytes, list[int]]:
    """Entries grow from `start`, values from the end."""
    position, end = start, len(room)
    hashes = []
    for attribute in attributes:
        index, length, name, value = attribute
        end -= len(value) + 3 & ~3
        hashes.append(_hash(name, value))
        offset = end if value else 0
        _ENTRY.pack_into(room, position, length, index, offset, 0, len(value), hashes[-1])
        room[position + _ENTRY.size : position + _ENTRY.size + length] = name
        room[end : end + len(value)] = value
        position += attribute.entry
    return bytes(room), hashes


def _hash(name: bytes, value: bytes) -> int:
    total = 0
    for byte in name:
        total = (total << 5 & _MASK) ^ (total >> 27) ^ byte
    padded = value.ljust(len(value) + 3 & ~3, b"\0")
    for (word,) in struct.iter_unpack("<I", padded):
        total = (total << 16 & _MASK) ^ (total >> 16) ^ word
    return total
