"""The header of a QEMU copy-on-write image, version 3: an empty overlay over a raw file, and reading one back.

Source: QEMU, docs/interop/qcow2.rst. Everything is big endian. Ours has clusters of 64 KiB: the header with its
extensions and the backing file's name, one refcount table, one refcount block, and an L1 table that is all zero, for
nothing is allocated yet.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import DocumentError, Problem, UsageError

MAGIC = b"QFI\xfb"
_VERSION = 3
_CLUSTER_BITS = 16
_CLUSTER = 1 << _CLUSTER_BITS
_HEADER = struct.Struct(">4s I Q I I Q I I Q Q I I Q Q Q Q I I")
"""magic, version, backing file offset and size, cluster bits, size, encryption, L1 entries and offset, refcount table
offset and clusters, snapshots and their offset, incompatible, compatible and autoclear features, refcount order, header
length."""
_V2 = 72
_EXTENSION = struct.Struct(">I I")
_BACKING_FORMAT = 0xE2792ACA
_L1_COVERS = _CLUSTER * (_CLUSTER // 8)
_REFCOUNTS = _CLUSTER // 2
_LONGEST_NAME = 1023
_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Overlay:
    """What the header of an overlay says."""

    size: int
    """Bytes of the disk that the guest sees."""
    backing: Path | None
    """The file that holds what was not written since."""


def overlay(backing: Path, size: int) -> bytes:
    """A whole image file: an empty overlay of `size` bytes, rounded up to sectors, over the raw file `backing`.

    Raises:
        UsageError: `qcow2.name-too-long`, `qcow2.too-large`.
    """
    name = os.fsencode(backing)
    if len(name) > _LONGEST_NAME:
        raise UsageError(
            "qcow2.name-too-long", f"its path has {len(name)} bytes, and a qcow2 image can name {_LONGEST_NAME}",
            where=str(backing), hint="move it to a shorter path",
        )  # fmt: skip
    size += -size % _SECTOR
    entries = -(-size // _L1_COVERS)
    tables = max(1, -(-entries * 8 // _CLUSTER))
    clusters = 3 + tables
    if clusters > _REFCOUNTS:
        raise UsageError("qcow2.too-large", f"{size} bytes are too many for an overlay", where=str(backing))
    extension = _EXTENSION.pack(_BACKING_FORMAT, 3) + b"raw".ljust(8, b"\0") + _EXTENSION.pack(0, 0)
    header = _HEADER.pack(
        MAGIC, _VERSION, _HEADER.size + len(extension), len(name), _CLUSTER_BITS, size, 0, entries, 3 * _CLUSTER,
        _CLUSTER, 1, 0, 0, 0, 0, 0, 4, _HEADER.size,
    )  # fmt: skip
    table = struct.pack(">Q", 2 * _CLUSTER)
    counts = struct.pack(">H", 1) * clusters
    parts = (header + extension + name, table, counts, bytes(tables * _CLUSTER))
    return b"".join(part.ljust(_CLUSTER, b"\0") for part in parts)


def read(path: Path) -> Overlay | None:
    """What a file says of itself, if it is a qcow2 image; None when it is none.

    Raises:
        OSError: it cannot be read.
        DocumentError: `qcow2.bad`, when its header makes no sense.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER.size)
        if head[:4] != MAGIC:
            return None
        if len(head) < _V2:
            raise _bad(path, "it ends inside its header")
        _, version, offset, length, bits, size = struct.unpack_from(">4s I Q I I Q", head)
        if version not in {2, 3} or not 9 <= bits <= 21 or length > _LONGEST_NAME or offset > 1 << bits:
            raise _bad(path, "its header makes no sense")
        if not offset:
            return Overlay(size, None)
        file.seek(offset)
        name = file.read(length)
        if len(name) != length or b"\0" in name:
            raise _bad(path, "it does not say over which file it lies")
        return Overlay(size, path.parent / os.fsdecode(name))


def _bad(path: Path, message: str) -> DocumentError:
    return DocumentError("qcow2.bad", "this qcow2 image cannot be read", [Problem("qcow2.bad", message, str(path))])
