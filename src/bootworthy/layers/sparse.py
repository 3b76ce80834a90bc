"""The four ways GNU tar writes a sparse file: old headers, pax 0.0, 0.1, 1.0 (GNU tar manual, "Sparse Formats")."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bootworthy.layers.pax import Records, decimal
from bootworthy.layers.stream import Stream

_BLOCK = 512
_OLD = 386
_OLD_MORE = 482
_OLD_SIZE = 483
_EXTENSION = 504
_LONGEST_MAP = 8 << 20
"""Bytes of a map, which is held in memory."""


class Sparse(NamedTuple):
    """What is known of a sparse file once its map is read."""

    size: int
    """Of the whole file, in bytes."""
    extents: tuple[tuple[int, int], ...]
    """Offset and length of what is stored, in order, none empty."""
    stored: int
    """Bytes that follow in the archive."""


def pax(stream: Stream, records: Records, stored: int) -> Sparse | None:
    """The map that pax records tell of, or None; a map of format 1.0 is read from the start of the member's data.

    Raises:
        ValueError: what is wrong with it.
        IntegrityError: `layer.bad-tar`, when the stream ends in it.
    """
    fields = records.fields
    if fields.get(b"GNU.sparse.major") == b"1" and fields.get(b"GNU.sparse.minor") == b"0":
        start = stream.position
        numbers = _map_in_data(stream, stored)
        return _sparse(numbers, _size(records), stored - (stream.position - start))
    if b"GNU.sparse.major" in fields and fields[b"GNU.sparse.major"] != b"0":
        raise ValueError("its sparse format is not known")
    if b"GNU.sparse.map" in fields:
        found = [decimal(number, "sparse map") for number in fields[b"GNU.sparse.map"].split(b",")]
        return _sparse(found, _size(records), stored)
    if b"GNU.sparse.size" in fields or b"GNU.sparse.numblocks" in fields or records.extents:
        found = [decimal(number, "sparse map") for number in records.extents]
        return _sparse(found, _size(records), stored)
    return None


def old(stream: Stream, header: bytes, stored: int, number: Callable[[bytes, str], int]) -> Sparse:
    """The map in an old GNU header and the blocks that follow it; `number` reads a field of a header.

    Raises:
        ValueError: what is wrong with it.
        IntegrityError: `layer.bad-tar`, when the stream ends in it.
    """
    numbers = _pairs(header[_OLD:_OLD_MORE], number)
    more = header[_OLD_MORE]
    while more:
        block = stream.exactly(_BLOCK, "a sparse map")
        numbers += _pairs(block[:_EXTENSION], number)
        more = block[_EXTENSION]
        if 12 * len(numbers) > _LONGEST_MAP:
            raise ValueError("its sparse map is too long")
    return _sparse(numbers, number(header[_OLD_SIZE : _OLD_SIZE + 12], "real size"), stored)


def _pairs(fields: bytes, number: Callable[[bytes, str], int]) -> list[int]:
    found: list[int] = []
    for at in range(0, len(fields), 24):
        if not fields[at]:
            break
        found.append(number(fields[at : at + 12], "sparse map"))
        found.append(number(fields[at + 12 : at + 24], "sparse map"))
    return found


def _size(records: Records) -> int:
    for key in (b"GNU.sparse.realsize", b"GNU.sparse.size"):
        if (size := records.number(key)) is not None:
            return size
    raise ValueError("a sparse file does not say how large it is")


def _map_in_data(stream: Stream, stored: int) -> list[int]:
    """Lines of decimal numbers, the first of which counts the pairs, padded to a block."""
    blocks: list[bytes] = []
    lines = 0
    wanted: int | None = None
    while wanted is None or lines < wanted:
        if (len(blocks) + 1) * _BLOCK > min(stored, _LONGEST_MAP):
            raise ValueError("its sparse map is longer than its data, or than any should be")
        block = stream.exactly(_BLOCK, "a sparse map")
        blocks.append(block)
        lines += block.count(b"\n")
        if wanted is None:
            if not lines:
                raise ValueError("its sparse map does not begin with a number")
            wanted = 1 + 2 * decimal(block.partition(b"\n")[0], "sparse map")
    return [decimal(line, "sparse map") for line in b"".join(blocks).split(b"\n")[1:wanted]]


def _sparse(numbers: Iterable[int], size: int, stored: int) -> Sparse:
    values = list(numbers)
    if len(values) % 2:
        raise ValueError("its sparse map has an offset without a length")
    end = total = 0
    extents = []
    for offset, length in zip(values[::2], values[1::2], strict=True):
        if offset < end or offset + length > size:
            raise ValueError("its sparse map is out of order or beyond the end of the file")
        end = offset + length
        total += length
        if length:
            extents.append((offset, length))
    if total != stored:
        raise ValueError(f"its sparse map speaks of {total} bytes, and {stored} are there")
    return Sparse(size, tuple(extents), stored)
