"""ELF files, as far as kernels and modules need it: segments, sections, notes. 64-bit, little-endian.

Source: the System V ABI, chapters 4 and 5, and elf(5).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

from bootworthy.errors import BuildError
from bootworthy.kernels.compression import unreadable

MAGIC = b"\x7fELF"
MACHINE_X86_64 = 62
MACHINE_AARCH64 = 183
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_NOTE = struct.Struct("<III")
_CLASS_64, _LITTLE = 2, 1
_NOBITS = 8
_INTERPRETER = 3
_NOTES = 4
_MOST_NOTES = 1 << 20
"""Bytes of notes that are looked at; kernels have some hundreds."""
_MOST_NAMES = 1 << 20
"""Bytes of section names; modules have some thousands."""
_LONGEST_NAME = 256


class Segment(NamedTuple):
    """A program header."""

    type: int
    offset: int
    size: int
    """Bytes in the file."""
    alignment: int


class Section(NamedTuple):
    """A section header."""

    name: bytes
    type: int
    offset: int
    size: int


class Note(NamedTuple):
    """One note of a PT_NOTE segment."""

    name: bytes
    type: int
    description: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Elf:
    """An ELF file and its tables."""

    data: bytes
    machine: int
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]

    @classmethod
    def parse(cls, data: bytes, *, where: str | None = None) -> Self:
        """Read the header and both tables.

        Raises:
            BuildError: `kernel.unreadable` when it is damaged or no ELF file; `kernel.architecture` when it is for
                a 32-bit or big-endian machine.
        """
        if not data.startswith(MAGIC) or len(data) < _HEADER.size:
            raise unreadable("is no ELF file", where)
        if data[4] != _CLASS_64 or data[5] != _LITTLE:
            raise BuildError(
                "kernel.architecture", "is an ELF file for a 32-bit or big-endian machine", where=where,
                hint="use one built for x86_64 or aarch64",
            )  # fmt: skip
        machine, _, _, segments_at, sections_at = _HEADER.unpack_from(data)[2:7]
        segment_size, segments, section_size, sections, names = _HEADER.unpack_from(data)[9:14]
        try:
            return cls(
                data, machine,
                tuple(_segments(data, segments_at, segment_size, segments)),
                tuple(_sections(data, sections_at, section_size, sections, names)),
            )  # fmt: skip
        except (struct.error, IndexError, OverflowError) as error:
            raise unreadable("its ELF tables are cut off", where) from error

    @property
    def cut(self) -> bool:
        """Whether the file ends before one of its segments does."""
        return any(each.offset + each.size > len(self.data) for each in self.segments)

    def content(self, part: Segment | Section) -> bytes:
        """The bytes of a segment or a section that the file has."""
        return self.data[part.offset : part.offset + part.size]

    def section(self, name: bytes) -> bytes | None:
        """The content of the section `name`, or None when there is none."""
        found = next((section for section in self.sections if section.name == name and section.type != _NOBITS), None)
        return None if found is None else self.content(found)

    def notes(self) -> Iterator[Note]:
        """Every note of the PT_NOTE segments; what is malformed ends its segment, and what is too much ends all."""
        left = _MOST_NOTES
        for segment in self.segments:
            if segment.type == _NOTES and left > 0:
                content = self.content(segment._replace(size=min(segment.size, left)))
                left -= max(1, len(content))
                yield from _notes(content, 8 if segment.alignment == 8 else 4)

    @property
    def interpreter(self) -> bytes | None:
        """The dynamic linker that a program asks for, or None when it is static."""
        found = next((segment for segment in self.segments if segment.type == _INTERPRETER), None)
        return None if found is None else self.content(found).rstrip(b"\0")


def _segments(data: bytes, start: int, size: int, count: int) -> Iterator[Segment]:
    for index in range(count):
        kind, _, offset, _, _, length, _, alignment = _SEGMENT.unpack_from(data, start + index * size)
        yield Segment(kind, offset, length, alignment)


def _sections(data: bytes, start: int, size: int, count: int, names: int) -> Iterator[Section]:
    if start == 0 or count == 0:
        return
    rows = [_SECTION.unpack_from(data, start + index * size) for index in range(count)]
    strings_at, strings_length = rows[names][4:6]
    strings = data[strings_at : strings_at + min(strings_length, _MOST_NAMES)]
    for name, kind, _, _, offset, length, *_ in rows:
        text, end, _ = strings[name : name + _LONGEST_NAME].partition(b"\0")
        yield Section(text if end else b"", kind, offset, length)


def _notes(content: bytes, alignment: int) -> Iterator[Note]:
    position = 0
    while position + _NOTE.size <= len(content):
        name_size, size, kind = _NOTE.unpack_from(content, position)
        name_at = position + _NOTE.size
        at = _aligned(name_at + name_size, alignment)
        if at + size > len(content):
            return
        yield Note(content[name_at : name_at + name_size].rstrip(b"\0"), kind, content[at : at + size])
        position = _aligned(at + size, alignment)


def _aligned(number: int, alignment: int) -> int:
    return -(-number // alignment) * alignment
