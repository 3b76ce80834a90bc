"""A strict streaming reader of tar: v7, ustar, GNU and pax (POSIX.1-2024, pax; GNU tar manual, "Basic Tar Format").

Where dialects differ it reads what Go's archive/tar, and so every OCI tool, reads: links, directories and devices
have no data whatever their size says; the first end-of-archive marker ends the archive, and what follows belongs to
the layer's digest only; a missing marker is forgiven, a broken header is not.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from bootworthy.errors import InternalError
from bootworthy.layers import sparse
from bootworthy.layers.entry import Entry
from bootworthy.layers.node import Kind
from bootworthy.layers.pax import Records
from bootworthy.layers.stream import Stream

BLOCK = 512
_ZEROS = bytes(BLOCK)
_HALF = BLOCK // 2
_OCTAL = b"01234567"
_FILLERS = frozenset(b"\0 ")
_HEADER = struct.Struct("100s 8s 8s 8s 12s 12s 8s c 100s 8s 32s 32s 8s 8s 155s 12x")
_LONGEST_EXTENSION = 4 << 20
_LONGEST_PATH = 65535
_LARGEST_ID = 0xFFFF_FFFE
_LARGEST = 1 << 62
_SECOND = 10**9
_MOST_KNOWN = 4096

_KINDS: dict[bytes, Kind | None] = {
    b"0": Kind.FILE, b"\0": Kind.FILE, b"7": Kind.FILE, b"S": Kind.FILE, b"1": None, b"2": Kind.SYMLINK,
    b"3": Kind.CHARACTER, b"4": Kind.BLOCK, b"5": Kind.DIRECTORY, b"D": Kind.DIRECTORY, b"6": Kind.FIFO,
}  # fmt: skip


def read(stream: Stream) -> Iterator[Entry]:
    """The members of an archive, in its order.

    While it has a member, the caller may take its `stored` bytes from `stream.views`; what it leaves is skipped.
    Memory grows with the longest header, at most 4 MiB, never with a file.

    Raises:
        IntegrityError: `layer.bad-tar`, with the position of what is malformed.
    """
    reader = _Reader(stream)
    while (entry := reader.next()) is not None:
        yield entry


def number(field: bytes, what: str) -> int:
    """A numeric field: octal digits between spaces and NULs, or base 256 where its first bit is set (GNU).

    Raises:
        ValueError: it is neither; `what` names it.
    """
    last = field[-1]
    if last in _FILLERS and (plain := field[:-1]).isdigit() and not plain.translate(None, _OCTAL):
        return int(plain, 8)
    if field[0] & 0x80:
        bits = 8 * len(field) - 1
        value = int.from_bytes(field, "big") & ((1 << bits) - 1)
        return value - (1 << bits) if field[0] & 0x40 else value
    digits = field.strip(b" \0").partition(b"\0")[0]
    if not digits:
        return 0
    if digits.translate(None, _OCTAL):
        raise ValueError(f"its {what} {field!r} is no number")
    return int(digits, 8)


class _Reader:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._always = Records()
        self._records: Records | None = None
        self._long_name: bytes | None = None
        self._long_target: bytes | None = None
        self._data_end = 0
        self._block_end = 0
        self._header_at = 0
        self._known: dict[tuple[bytes, ...], tuple[int, int, int, int]] = {}

    def next(self) -> Entry | None:
        """The next member, headers that only speak of it used up; None at the end."""
        while (header := self._header()) is not None:
            try:
                entry = self._member(header)
            except ValueError as error:
                raise self._stream.bad(str(error), self._header_at) from error
            if entry is not None:
                self._records = self._long_name = self._long_target = None
                return entry
        if self._records is not None or self._long_name is not None or self._long_target is not None:
            raise self._stream.bad("ends after a header that speaks of one more member")
        return None

    def _header(self) -> bytes | None:
        stream = self._stream
        behind = self._data_end - stream.position
        if behind < 0:
            raise InternalError("layer.overread", "more was read of a member than it has")
        if behind:
            stream.skip(behind, "the data of a member")
        if padding := self._block_end - self._data_end:
            stream.skip_upto(padding)
        self._header_at = stream.position
        header = stream.upto(BLOCK)
        if not header:
            return None
        if len(header) < BLOCK:
            raise stream.bad("ends in the middle of a header", self._header_at)
        if header != _ZEROS:
            return header
        second = stream.upto(BLOCK)
        if second not in {_ZEROS, b""}:
            raise stream.bad("a block of zeros stands where a header must be", self._header_at)
        return None

    def _member(self, header: bytes) -> Entry | None:
        """The member a header describes, or None where the header only speaks of the next one."""
        fields = _HEADER.unpack(header)
        _check(header, fields[6])
        flag: bytes = fields[7]
        if flag in b"xXgLKV":
            content = self._content(number(fields[4], "size"))
            self._extension(flag, content)
            return None
        if flag not in _KINDS:
            raise ValueError(f"it has a member of unknown type {flag!r}")
        records = self._records or self._always
        size = self._size(fields[4])
        entry = self._entry(header, fields, records, size)
        if entry.kind is Kind.FILE:
            self._sparse(entry, header, records)
        entry.data = self._stream.position
        # a directory of an incremental dump lists its names in its data; nobody else's directories have any
        self._expect(size if flag == b"D" else entry.stored)
        return entry

    def _size(self, field: bytes) -> int:
        size = number(field, "size")
        if self._records is not None and (override := self._records.number(b"size")) is not None:
            size = override
        if not 0 <= size <= _LARGEST:
            raise ValueError("its size is impossible")
        return size

    def _expect(self, size: int) -> None:
        self._data_end = self._stream.position + size
        self._block_end = self._data_end + -size % BLOCK

    def _content(self, size: int) -> bytes:
        """The data of a header that only speaks of the next one."""
        if not 0 <= size <= _LONGEST_EXTENSION:
            raise ValueError(f"an extended header of {size} bytes is too long")
        self._expect(size)
        return self._stream.exactly(size, "an extended header")

    def _extension(self, flag: bytes, content: bytes) -> None:
        """Keep what a header says of the next member; a volume's label (`V`) says nothing of it."""
        if flag == b"L":
            self._long_name = content.partition(b"\0")[0]
        elif flag == b"K":
            self._long_target = content.partition(b"\0")[0]
        elif flag == b"g":
            self._always = self._always.updated(content)
        elif flag in b"xX":
            self._records = (self._records or self._always).updated(content)

    def _entry(self, header: bytes, fields: tuple[bytes, ...], records: Records, size: int) -> Entry:
        path, target = self._names(header, fields, records)
        flag = fields[7]
        kind = _KINDS[flag]
        if path.endswith(b"/"):
            if flag == b"\0" or (flag == b"0" and not size):
                kind = Kind.DIRECTORY  # how archives said so before there was a type for it
            path = path.rstrip(b"/")
        mode, uid, gid, mtime = self._numbers(fields, records)
        entry = Entry(path, kind, mode, uid, gid, mtime)
        if kind is Kind.FILE:
            entry.size = size
        elif kind is None or kind is Kind.SYMLINK:
            entry.target = target
        elif kind in {Kind.CHARACTER, Kind.BLOCK}:
            entry.device = _device(fields, records)
        if records.fields:
            entry.xattrs = records.xattrs()
        return entry

    def _numbers(self, fields: tuple[bytes, ...], records: Records) -> tuple[int, int, int, int]:
        """Mode, owner, group and time; members that have the same are many, and most have no records."""
        key = fields[1:4] + fields[5:6]
        if not records.fields and (known := self._known.get(key)) is not None:
            return known
        mtime = records.time(b"mtime")
        found = (
            number(fields[1], "mode") & 0o7777,
            _identity(number(fields[2], "uid"), records.number(b"uid")),
            _identity(number(fields[3], "gid"), records.number(b"gid")),
            number(fields[5], "mtime") * _SECOND if mtime is None else mtime,
        )
        if abs(found[3]) > _LARGEST * _SECOND:
            raise ValueError("its mtime is impossible")
        if not records.fields and len(self._known) < _MOST_KNOWN:
            self._known[key] = found
        return found

    def _names(self, header: bytes, fields: tuple[bytes, ...], records: Records) -> tuple[bytes, bytes]:
        path, target = self._long_name, self._long_target
        if path is None:
            path = records.text(b"GNU.sparse.name") or records.text(b"path") if records.fields else None
            path = path or _path(header, fields)
        if target is None:
            target = records.text(b"linkpath") if records.fields else None
            target = target or fields[8].partition(b"\0")[0]
        if len(path) > _LONGEST_PATH or len(target) > _LONGEST_PATH:
            raise ValueError("a path in it is longer than 65535 bytes")
        return path, target

    def _sparse(self, entry: Entry, header: bytes, records: Records) -> None:
        if header[156:157] == b"S":
            found: sparse.Sparse | None = sparse.old(self._stream, header, entry.size, number)
        else:
            found = sparse.pax(self._stream, records, entry.size)
        if found is not None:
            if not 0 <= found.size <= _LARGEST:
                raise ValueError("its size is impossible")
            entry.size, entry.extents = found.size, found.extents


def _check(header: bytes, field: bytes) -> None:
    """Hold a header to its checksum, in which its own field counts as spaces; some old tars summed signed bytes."""
    wanted = number(field, "checksum")
    unsigned = _sum(header[:_HALF]) + _sum(header[_HALF:]) - sum(field) + 8 * 0x20
    if unsigned == wanted:
        return
    high = sum(byte > 127 for byte in header) - sum(byte > 127 for byte in field)
    if unsigned - 256 * high != wanted:
        raise ValueError("a header's checksum is wrong")


def _sum(part: bytes) -> int:
    """The sum of at most 256 bytes: what Adler-32 (RFC 1950, 9) keeps in its lower half, below its modulus of 65521."""
    return (zlib.adler32(part) & 0xFFFF) - 1


def _path(header: bytes, fields: tuple[bytes, ...]) -> bytes:
    """The name field, after the prefix where the format has one."""
    name = fields[0].partition(b"\0")[0]
    if fields[9][:6] != b"ustar\0":
        return name
    prefix = fields[14]
    if header[508:512] == b"tar\0":
        prefix = prefix[:131]  # star keeps two times behind a shorter prefix
    prefix = prefix.partition(b"\0")[0]
    return prefix + b"/" + name if prefix else name


def _identity(field: int, override: int | None) -> int:
    value = field if override is None else override
    if not 0 <= value <= _LARGEST_ID:
        raise ValueError(f"its owner {value} is not one that Linux can have")
    return value


def _device(fields: tuple[bytes, ...], records: Records) -> tuple[int, int]:
    if fields[9][:5] != b"ustar":
        return 0, 0
    major, minor = records.number(b"SCHILY.devmajor"), records.number(b"SCHILY.devminor")
    major = number(fields[12], "device") if major is None else major
    minor = number(fields[13], "device") if minor is None else minor
    if not (0 <= major <= 0xFFFF_FFFF and 0 <= minor <= 0xFFFF_FFFF):
        raise ValueError("its device number is impossible")
    return major, minor


def entries_of(stream: Stream) -> list[Entry]:
    """All members of an archive without their data, the stream read to its end.

    Raises:
        IntegrityError: as `read`.
    """
    found = list(read(stream))
    stream.drain()
    return found
