"""The index of a layer on disk: its entries, and where their bytes lie in the body beside it.

Version 2, little endian: a header (`_HEADER`), one record of fixed size for each entry in archive order (`_RECORD`),
then for each entry in the same order its path, target, extended attributes (`_XATTR`, name, value) and chunks
(`_CHUNK`). The header has CRC-32s of all that follows it and of the body. It is a cache: another version is made
anew, never converted.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isal import isal_zlib

from bootworthy.errors import IntegrityError
from bootworthy.host.boot import NONE
from bootworthy.layers.entry import Entry
from bootworthy.layers.node import BLOCK, Chunk, Kind

VERSION = 2
"""Of the index and of how a body is laid out; part of the names of both files."""

_MAGIC = b"BWLAYER\n"
_HEADER = struct.Struct("<8s I I Q Q Q 32s 32s I 16s")
_BOOT = _HEADER.size - 16
_RECORD = struct.Struct("<I I I I q I Q I I I I I I")
_FIRST = struct.Struct("<I I I I q I")
_SPLIT = struct.Struct("<28s Q I I I I I I")
"""A record, of which `_FIRST` is left as it is: many entries have the same."""
_XATTR = struct.Struct("<H I")
_CHUNK = struct.Struct("<Q Q Q")
_SECOND = 10**9
_PREFIX = "sha256:"
_NO_DEVICE = (0, 0)

_KINDS: tuple[Kind | None, ...] = (
    None, Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.CHARACTER, Kind.BLOCK, Kind.FIFO, Kind.SOCKET,
)  # fmt: skip
_CODES = {kind: code for code, kind in enumerate(_KINDS)}


@dataclass(frozen=True, slots=True)
class Layer:
    """Which layer an index is of."""

    diff_id: str
    """`sha256:...` of the uncompressed stream."""
    digest: str
    """`sha256:...` of the compressed stream that it was made from; others can have the same diffID."""
    size: int
    """Of that compressed stream, in bytes."""
    stored: int
    """Of the body, in bytes."""
    checksum: int = 0
    """CRC-32 of the body."""
    boot: bytes = NONE
    """Since which start of the machine the body is known to be whole (`host.boot`)."""


@dataclass(frozen=True, slots=True)
class Index:
    """A layer and its entries, in archive order."""

    layer: Layer
    entries: Sequence[Entry]


def encode(index: Index) -> bytes:
    """An index as it is on disk."""
    records = bytearray(_RECORD.size * len(index.entries))
    heap: list[bytes] = []
    for number, entry in enumerate(index.entries):
        path, target, chunks = entry.path, entry.target, entry.chunks
        attributes = _packed(entry.xattrs) if entry.xattrs else b""
        seconds, nanoseconds = divmod(entry.mtime, _SECOND)
        major, minor = entry.device
        _RECORD.pack_into(
            records, number * _RECORD.size, _CODES[entry.kind], entry.mode, entry.uid, entry.gid, seconds, nanoseconds,
            entry.size, major, minor, len(path), len(target), len(attributes), len(chunks),
        )  # fmt: skip
        heap.append(path)
        if target or attributes:
            heap += target, attributes
        for offset, length, _, position in chunks:
            heap.append(_CHUNK.pack(offset, length, position))
    rest = b"".join(heap)
    layer = index.layer
    checksum = isal_zlib.crc32(rest, isal_zlib.crc32(records))
    header = _HEADER.pack(
        _MAGIC, VERSION, checksum, len(index.entries), layer.size, layer.stored, _raw(layer.diff_id),
        _raw(layer.digest), layer.checksum, layer.boot,
    )  # fmt: skip
    return b"".join((header, records, rest))


def _packed(xattrs: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"".join([_XATTR.pack(len(name), len(value)) + name + value for name, value in xattrs])


def peek(data: bytes, *, where: str | None = None) -> Layer:
    """Which layer an index is of, once its version and checksum are found right.

    Raises:
        IntegrityError: `layer.bad-index`.
    """
    return _peek(data, where)[0]


def _peek(data: bytes, where: str | None) -> tuple[Layer, int]:
    if len(data) < _HEADER.size:
        raise _bad("it is too short", where)
    magic, version, checksum, count, size, stored, diff_id, digest, body_checksum, boot = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != VERSION:
        raise _bad(f"it is none of version {VERSION}", where)
    body = memoryview(data)[_HEADER.size :]
    if isal_zlib.crc32(body) != checksum or count * _RECORD.size > len(body):
        raise _bad("its checksum is wrong", where)
    return Layer(_PREFIX + diff_id.hex(), _PREFIX + digest.hex(), size, stored, body_checksum, boot), count


def mark(path: Path, boot: bytes) -> None:
    """Note in an index on disk that its body is whole in another start of the machine, too.

    Raises:
        OSError: it may not be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(descriptor, boot, _BOOT)
    finally:
        os.close(descriptor)


def decode(data: bytes, *, where: str | None = None) -> Index:
    """An index read back.

    Raises:
        IntegrityError: `layer.bad-index`.
    """
    layer, count = _peek(data, where)
    at = _HEADER.size + count * _RECORD.size
    entries: list[Entry] = []
    stored = layer.stored
    known: dict[bytes, tuple[Kind | None, int, int, int, int]] = {}
    for record in _SPLIT.iter_unpack(memoryview(data)[_HEADER.size : at]):
        first, size, major, minor, name, target, attributes, chunks = record
        if first not in known:
            known[first] = _first(first, where)
        kind, mode, uid, gid, mtime = known[first]
        middle = at + name
        end = middle + target
        entry = Entry(
            data[at:middle], kind, mode, uid, gid, mtime, size, data[middle:end] if target else b"",
            (major, minor) if major or minor else _NO_DEVICE,
        )  # fmt: skip
        at = end
        if attributes:
            entry.xattrs = _xattrs(data[at : at + attributes], where)
            at += attributes
        if chunks == 1 and at + _CHUNK.size <= len(data):
            offset, length, position = _CHUNK.unpack_from(data, at)
            if (offset | position) % BLOCK or position + length > stored:
                raise _bad("it points outside its body", where)
            entry.chunks = (Chunk(offset, length, 0, position),)
            at += _CHUNK.size
        elif chunks:
            end = at + chunks * _CHUNK.size
            entry.chunks = _chunks(data[at:end], stored, where)
            at = end
        entries.append(entry)
    if at != len(data):
        raise _bad("its length is wrong", where)
    return Index(layer, entries)


def _first(packed: bytes, where: str | None) -> tuple[Kind | None, int, int, int, int]:
    """Kind, mode, owner, group and time."""
    code, mode, uid, gid, seconds, nanoseconds = _FIRST.unpack(packed)
    if code >= len(_KINDS):
        raise _bad("it has an entry of no known kind", where)
    return _KINDS[code], mode, uid, gid, seconds * _SECOND + nanoseconds


def _xattrs(data: bytes, where: str | None) -> tuple[tuple[bytes, bytes], ...]:
    found = []
    at = 0
    while at + _XATTR.size <= len(data):
        name, value = _XATTR.unpack_from(data, at)
        at += _XATTR.size
        found.append((data[at : at + name], data[at + name : at + name + value]))
        at += name + value
    if at != len(data):
        raise _bad("its length is wrong", where)
    return tuple(found)


def _chunks(data: bytes, stored: int, where: str | None) -> tuple[Chunk, ...]:
    if len(data) % _CHUNK.size:
        raise _bad("its length is wrong", where)
    found = [Chunk(offset, length, 0, position) for offset, length, position in _CHUNK.iter_unpack(data)]
    for offset, length, _, position in found:
        if (offset | position) % BLOCK or position + length > stored:
            raise _bad("it points outside its body", where)
    return tuple(found)


def _raw(digest: str) -> bytes:
    return bytes.fromhex(digest.removeprefix(_PREFIX))


def _bad(message: str, where: str | None) -> IntegrityError:
    return IntegrityError(
        "layer.bad-index", f"the index of a layer cannot be used: {message}", where=where,
        hint="delete it: it is made again from the layer",
    )  # fmt: skip
