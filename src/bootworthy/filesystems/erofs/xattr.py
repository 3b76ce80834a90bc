"""Extended attributes, kept behind their inode (erofs.rst: "On-disk details"; `struct erofs_xattr_entry`)."""

from __future__ import annotations

import struct

from bootworthy.filesystems.limits import Limits, shown

_ENTRY = struct.Struct("<BBH")
_HEADER = bytes(12)
"""No filter of names, no shared attributes."""
_PREFIXES = ((b"user.", 1), (b"trusted.", 4), (b"security.", 6))
_ACLS = {b"system.posix_acl_access": 2, b"system.posix_acl_default": 3}
_TAGS = frozenset({0x01, 0x02, 0x04, 0x08, 0x10, 0x20})
_MOST = 4 * 0xFFFF
"""Bytes behind the header that an inode can count."""


def supported(name: bytes) -> bool:
    """Whether Linux can keep an attribute of this name on erofs."""
    return name in _ACLS or any(name.startswith(prefix) and len(name) > len(prefix) for prefix, _ in _PREFIXES)


def pack(xattrs: tuple[tuple[bytes, bytes], ...], path: bytes, limits: Limits) -> bytes:
    """What stands behind an inode; nothing where no attribute is `supported`.

    Raises:
        RefusedError: `erofs.xattr-name`, `erofs.xattr-too-large`, `erofs.acl`.
    """
    entries = sorted(_entry(name, value, path, limits) for name, value in xattrs if supported(name))
    if not entries:
        return b""
    packed = bytearray(_HEADER)
    for index, name, value in entries:
        packed += _ENTRY.pack(len(name), index, len(value)) + name + value
        packed.extend(bytes(-len(packed) % 4))
    if len(packed) - len(_HEADER) > _MOST:
        raise limits.refused(
            "xattr-too-large", path, f"its extended attributes take {len(packed)} bytes",
            f"erofs has room for {_MOST}",
        )  # fmt: skip
    return bytes(packed)


def count(packed: bytes) -> int:
    """What the inode says of their size (i_xattr_icount)."""
    return (len(packed) - len(_HEADER)) // 4 + 1 if packed else 0


def _entry(name: bytes, value: bytes, path: bytes, limits: Limits) -> tuple[int, bytes, bytes]:
    label = name[:80].decode(errors="backslashreplace")
    if len(value) > 0xFFFF:
        raise limits.refused(
            "xattr-too-large", path, f"its extended attribute {label} has {len(value)} bytes",
            "erofs has room for 65535",
        )  # fmt: skip
    if name in _ACLS:
        if not _is_acl(value):
            raise limits.refused("acl", path, "its access control list is broken", "remove or rewrite it")
        return _ACLS[name], b"", value
    prefix, index = next(pair for pair in _PREFIXES if name.startswith(pair[0]))
    short = name[len(prefix) :]
    if len(short) > 255 or b"\0" in short:
        raise limits.refused(
            "xattr-name", path, f"erofs cannot keep an extended attribute named {label}", "remove the attribute"
        )
    return index, short, value


def _is_acl(value: bytes) -> bool:
    """Whether it is a list in the form of system calls, which is the form on disk too."""
    if len(value) < 4 or (len(value) - 4) % 8 or value[:4] != b"\2\0\0\0":
        return False
    return all(tag in _TAGS for tag, _, _ in struct.iter_unpack("<HHI", value[4:]))


def left_out(xattrs: tuple[tuple[bytes, bytes], ...], path: bytes) -> list[str]:
    """The attributes that are not `supported`, as `path: name`."""
    return [f"{shown(path)}: {name.decode(errors='backslashreplace')}" for name, _ in xattrs if not supported(name)]
