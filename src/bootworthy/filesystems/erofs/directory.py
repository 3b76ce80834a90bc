"""Directory blocks: entries, then their names, all names in byte order (erofs.rst: "Directories")."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from bootworthy.layers.node import BLOCK, Kind

_ENTRY = struct.Struct("<QHBx")
_TYPES = {
    Kind.FILE: 1, Kind.DIRECTORY: 2, Kind.CHARACTER: 3, Kind.BLOCK: 4, Kind.FIFO: 5, Kind.SOCKET: 6, Kind.SYMLINK: 7,
}  # fmt: skip


class Entry(NamedTuple):
    """A name, and where its inode is."""

    name: bytes
    nid: int
    kind: Kind


def measure(names: Iterable[bytes]) -> int:
    """Bytes of a directory of these names, in the order they will have."""
    blocks = used = 0
    for name in names:
        room = _ENTRY.size + len(name)
        if used + room > BLOCK:
            blocks, used = blocks + 1, 0
        used += room
    return blocks * BLOCK + used


def pack(entries: Iterable[Entry]) -> bytes:
    """The content of a directory of these entries, which are in order; as long as `measure` says."""
    out = bytearray()
    group: list[Entry] = []
    used = 0
    for entry in entries:
        room = _ENTRY.size + len(entry.name)
        if used + room > BLOCK:
            out += _block(group).ljust(BLOCK, b"\0")
            group, used = [], 0
        group.append(entry)
        used += room
    return bytes(out + _block(group))


def _block(entries: list[Entry]) -> bytes:
    head = bytearray()
    offset = len(entries) * _ENTRY.size
    for name, nid, kind in entries:
        head += _ENTRY.pack(nid, offset, _TYPES[kind])
        offset += len(name)
    return bytes(head + b"".join([entry.name for entry in entries]))
