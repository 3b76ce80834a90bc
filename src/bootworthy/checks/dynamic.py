"""What a dynamically linked program asks for: its dynamic linker, the libraries it needs, and where it looks.

Source: the System V ABI, chapter 5 (Program Loading and Dynamic Linking), and elf(5). Only the parts asked about are
read, so that a library of a gigabyte costs no more than a small one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bootworthy.checks.part import Part
from bootworthy.errors import BuildError
from bootworthy.kernels.elf import MAGIC
from bootworthy.layers.node import Node

_SEGMENT = struct.Struct("<IIQQQQQQ")
_ENTRY = struct.Struct("<qQ")
_LOADED, _DYNAMIC, _INTERPRETER = 1, 2, 3
_NEEDED, _STRINGS, _RPATH, _RUNPATH = 1, 5, 15, 29
_CLASS_64, _LITTLE = 2, 1
_HEADER = 64
_SEGMENTS = 1024
_ENTRIES = 4096
"""Of a dynamic section; libraries with many needs have a hundred."""
_LONGEST = 4096
"""Bytes of a name (PATH_MAX)."""


@dataclass(frozen=True, slots=True)
class Dynamic:
    """What the kernel and the dynamic linker read of a program or a library."""

    interpreter: bytes | None = None
    """The dynamic linker it asks for; None for what is static, and for libraries."""
    needed: tuple[bytes, ...] = ()
    rpath: tuple[bytes, ...] = ()
    """Folders it looks in, and what it needs as well; nobody looks here when there is a `runpath`."""
    runpath: tuple[bytes, ...] = ()
    """Folders it looks in."""


def machine(part: Part, node: Node) -> int | None:
    """`e_machine` of a 64-bit little-endian ELF file; None for every other file."""
    header = part.span(node, 0, _HEADER)
    if len(header) < _HEADER or not header.startswith(MAGIC) or (header[4], header[5]) != (_CLASS_64, _LITTLE):
        return None
    return int.from_bytes(header[18:20], "little")


def read(part: Part, node: Node) -> Dynamic:
    """What a 64-bit little-endian ELF file asks for.

    Raises:
        BuildError: `check.program`, when its tables are damaged or without end.
    """
    segments = list(_segments(part, node))
    asks = (part.span(node, at, min(size, _LONGEST)) for kind, at, _, size in segments if kind == _INTERPRETER)
    interpreter = next((text.split(b"\0", 1)[0] for text in asks), None)
    entries = list(_entries(part, node, segments))
    strings = next((value for tag, value in entries if tag == _STRINGS), None)
    if strings is None:
        return Dynamic(interpreter)
    at = _offset(segments, strings)

    def named(wanted: int) -> Iterator[bytes]:
        for tag, value in entries:
            if tag == wanted:
                name, end, _ = part.span(node, at + value, _LONGEST).partition(b"\0")
                if not end:
                    raise _damaged("the name of a library it needs has no end")
                yield name

    return Dynamic(interpreter, tuple(named(_NEEDED)), tuple(_paths(named(_RPATH))), tuple(_paths(named(_RUNPATH))))


def _segments(part: Part, node: Node) -> Iterator[tuple[int, int, int, int]]:
    """Type, offset, address and size of each segment."""
    header = part.span(node, 0, _HEADER)
    if machine(part, node) is None:
        raise _damaged("it is an ELF file for a 32-bit or big-endian machine")
    (start,) = struct.unpack_from("<Q", header, 32)
    size, count = struct.unpack_from("<HH", header, 54)
    if count > _SEGMENTS:
        raise _damaged(f"it has {count} segments")
    if count and size < _SEGMENT.size:
        raise _damaged(f"a segment is described in {size} bytes")
    table = part.span(node, start, count * size)
    if len(table) < count * size:
        raise _damaged("its ELF tables are cut off")
    for index in range(count):
        kind, _, offset, address, _, length, *_ = _SEGMENT.unpack_from(table, index * size)
        yield kind, offset, address, length


def _entries(part: Part, node: Node, segments: list[tuple[int, int, int, int]]) -> Iterator[tuple[int, int]]:
    found = next(((at, size) for kind, at, _, size in segments if kind == _DYNAMIC), None)
    if found is None:
        return
    at, size = found
    section = part.span(node, at, min(size, _ENTRIES * _ENTRY.size))
    for tag, value in _ENTRY.iter_unpack(section[: len(section) // _ENTRY.size * _ENTRY.size]):
        if tag == 0:
            return
        yield tag, value
    raise _damaged("its dynamic section has no end")


def _offset(segments: list[tuple[int, int, int, int]], address: int) -> int:
    """Where in the file the loader takes an address from."""
    for kind, at, start, size in segments:
        if kind == _LOADED and start <= address < start + size:
            return at + address - start
    raise _damaged("its names are in no part of it that is loaded")


def _paths(lists: Iterator[bytes]) -> Iterator[bytes]:
    for each in lists:
        yield from each.split(b":")


def _damaged(what: str) -> BuildError:
    return BuildError("check.program", what, hint="install the package it is from again")
