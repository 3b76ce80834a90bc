"""A strict streaming reader of tar: v7, ustar, GNU and pax (POSIX.1-2024, pax; GNU tar manual, "Basic Tar Format").

Where dialects differ it reads what Go's archive/tar, and so every OCI tool, reads: links, directories and devices
have no data whatever their size says; the first end-of-archive marker ends the archive, and what follows belongs to
the layer's digest only; a missing marker is forgiven, a broken header is not.
"""

from __future__ import annotations

import functools
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
_FIELDS = struct.Struct("100x 24s 12s 12s 8s c 355x")
"""What is needed of every header: mode with owner and group, size, mtime, checksum, type."""
_LONGEST_EXTENSION = 4 << 20
_LONGEST_PATH = 65535
_LARGEST_ID = 0xFFFF_FFFE
_LARGEST = 1 << 62
_SECOND = 10**9
_MOST_KNOWN = 4096
_MOST_SUMS = 16384
_SPEAKING = frozenset({b"x", b"X", b"g", b"L", b"K", b"V"})
"""Types of headers that only speak of the next member, or of the whole archive."""

_KINDS: dict[bytes, Kind | None] = {
    b"0": Kind.FILE, b"\0": Kind.FILE, b"7": Kind.FILE, b"S": Kind.FILE, b"1": None, b"2": Kind.SYMLINK,
    b"3": Kind.CHARACTER, b"4": Kind.BLOCK, b"5": Kind.DIRECTORY, b"D": Kind.DIRECTORY, b"6": Kind.FIFO,
}  # fmt: skip
_LINKS = frozenset({None, Kind.SYMLINK})
_DEVICES = frozenset({Kind.CHARACTER, Kind.BLOCK})


def read(stream: Stream) -> Iterator[Entry]:
    """The members of an archive, in its order.

    While it has a member, the caller may take its `stored` bytes from `stream.views`; what it leaves is skipped.
    Memory grows with the longest header, at most 4 MiB, never with a file.

    Raises:
        IntegrityError: `layer.bad-tar`, with the position of what is malformed.
    """
    return _Reader(stream).members()


def number(field: bytes, what: str) -> int:
    """A numeric field: octal digits between spaces and NULs, or base 256 where its first bit is set (GNU).

    Raises:
        ValueError: it is neither; `what` names it.
    """
    if field[-1] in _FILLERS and (plain := field[:-1]).isdigit():  # as nearly all are written
        try:
            return int(plain, 8)
        except ValueError:
            raise ValueError(f"its {what} {field!r} is no number") from None
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
        self._always: Records | None = None
        self._records: Records | None = None
        self._long_name: bytes | None = None
        self._long_target: bytes | None = None
        self._header_at = 0
        self._data_end = 0
        self._padding = 0
        self._known: dict[tuple[bytes, bytes], tuple[int, int, int, int]] = {}

    def members(self) -> Iterator[Entry]:
        """All members; headers that only speak of one are used up with it."""
        while (header := self._header()) is not None:
            try:
                entry = self._member(header)
            except ValueError as error:
                self._stream.member = self._long_name or _path(header)
                raise self._stream.bad(str(error), self._header_at) from error
            if entry is not None:
                self._records = self._long_name = self._long_target = None
                self._stream.member = entry.path
                yield entry
        if self._records is not None or self._long_name is not None or self._long_target is not None:
            raise self._stream.bad("ends after a header that speaks of one more member")

    def _header(self) -> bytes | None:
        """The next header, what was left of the member before it skipped; None at the end."""
        stream = self._stream
        behind = self._data_end - stream.position
        if behind < 0:
            raise InternalError("layer.overread", "more was read of a member than it has")
        if behind:
            stream.skip(behind, "the data of a member")
        stream.member = b""
        padding = self._padding
        self._header_at = self._data_end + padding
        header = stream.upto(padding + BLOCK)[padding:]
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
        ids, size_field, time, checksum, flag = _FIELDS.unpack(header)
        _check(header, checksum)
        start = self._header_at + BLOCK
        if flag in _SPEAKING:
            self._extension(flag, self._content(start, number(size_field, "size")))
            return None
        if flag not in _KINDS:
            raise ValueError(f"it has a member of unknown type {flag!r}")
        kind = _KINDS[flag]
        records = self._records or self._always
        size = self._size(size_field, records)
        path = self._path(header, records)
        if path.endswith(b"/"):
            if flag == b"\0" or (flag == b"0" and not size):
                kind = Kind.DIRECTORY  # how archives said so before there was a type for it
            path = path.rstrip(b"/")
        mode, uid, gid, mtime = self._numbers(ids, time, records)
        entry = Entry(path, kind, mode, uid, gid, mtime)
        entry.data = start
        # a directory of an incremental dump lists its names in its data; nobody else's directories have any
        stored = size if flag == b"D" else 0
        if kind is Kind.FILE:
            entry.size = stored = size
            if records is not None or flag == b"S":
                stored = self._sparse(entry, header, records)
        elif kind in _DEVICES:
            entry.device = _device(header, records or Records())
        if kind in _LINKS:
            entry.target = self._target(header, records)
        elif records is not None or self._long_target is not None:
            self._target(header, records)  # what is said of a target is held to the same, whoever has it
        if records is not None:
            entry.xattrs = records.xattrs()
        self._data_end = entry.data + stored
        self._padding = -stored % BLOCK
        return entry

    def _size(self, field: bytes, records: Records | None) -> int:
        size = number(field, "size")
        if records is not None and (override := records.number(b"size")) is not None:
            size = override
        if not 0 <= size <= _LARGEST:
            raise ValueError("its size is impossible")
        return size

    def _content(self, start: int, size: int) -> bytes:
        """The data of a header that only speaks of the next one."""
        if not 0 <= size <= _LONGEST_EXTENSION:
            raise ValueError(f"an extended header of {size} bytes is too long")
        self._data_end = start + size
        self._padding = -size % BLOCK
        return self._stream.exactly(size, "an extended header")

    def _extension(self, flag: bytes, content: bytes) -> None:
        """Keep what a header says of the next member; a volume's label (`V`) says nothing of it."""
        if flag == b"L":
            self._long_name = content.partition(b"\0")[0]
        elif flag == b"K":
            self._long_target = content.partition(b"\0")[0]
        elif flag == b"g":
            self._always = (self._always or Records()).updated(content)
        elif flag in b"xX":
            self._records = (self._records or self._always or Records()).updated(content)

    def _target(self, header: bytes, records: Records | None) -> bytes:
        if self._long_target is not None:
            return _short(self._long_target)
        target = None if records is None else records.text(b"linkpath")
        return _short(target or header[157:257].partition(b"\0")[0])

    def _numbers(self, ids: bytes, time: bytes, records: Records | None) -> tuple[int, int, int, int]:
        """Mode, owner, group and time; members that have the same are many, and most have no records."""
        key = ids, time
        if records is None and (known := self._known.get(key)) is not None:
            return known
        said = records or Records()
        mtime = said.time(b"mtime")
        found = (
            number(ids[:8], "mode") & 0o7777,
            _identity(number(ids[8:16], "uid"), said.number(b"uid")),
            _identity(number(ids[16:], "gid"), said.number(b"gid")),
            number(time, "mtime") * _SECOND if mtime is None else mtime,
        )
        if abs(found[3]) > _LARGEST * _SECOND:
            raise ValueError("its mtime is impossible")
        if records is None and len(self._known) < _MOST_KNOWN:
            self._known[key] = found
        return found

    def _path(self, header: bytes, records: Records | None) -> bytes:
        if self._long_name is not None:
            return _short(self._long_name)
        path = None if records is None else records.text(b"GNU.sparse.name") or records.text(b"path")
        return _short(path or _path(header))

    def _sparse(self, entry: Entry, header: bytes, records: Records | None) -> int:
        """Read the map of a file, if it has one; the bytes that are stored of the file."""
        stored = entry.size
        if header[156:157] == b"S":
            found: sparse.Sparse | None = sparse.old(self._stream, header, stored, number)
        else:
            found = sparse.pax(self._stream, records or Records(), stored)
        if found is None:
            return stored
        if not 0 <= found.size <= _LARGEST:
            raise ValueError("its size is impossible")
        entry.size, entry.extents = found.size, found.extents
        entry.data = self._stream.position
        return found.stored


def _check(header: bytes, field: bytes) -> None:
    """Hold a header to its checksum, in which its own field counts as spaces; some old tars summed signed bytes."""
    wanted = _wanted(field)
    found = _sum(header) if header.isascii() else _sum(header[:_HALF]) + _sum(header[_HALF:])
    if found != wanted:
        high = sum(byte > 127 for byte in header) - sum(byte > 127 for byte in field)
        if found - 256 * high != wanted:
            raise ValueError("a header's checksum is wrong")


@functools.lru_cache(_MOST_SUMS)
def _wanted(field: bytes) -> int:
    """The sum of all bytes of a header, this field as it is included, that a checksum field asks for."""
    return number(field, "checksum") + sum(field) - 8 * 0x20


def _sum(part: bytes) -> int:
    """The sum of at most 256 bytes, or of 512 below 128: what Adler-32 (RFC 1950, 9) keeps in its lower half.

    Both stay below its modulus of 65521.
    """
    return (zlib.adler32(part) & 0xFFFF) - 1


def _path(header: bytes) -> bytes:
    """The name field, after the prefix where the format has one."""
    name = header[:100].partition(b"\0")[0]
    if not header[345] or header[257:263] != b"ustar\0":
        return name
    # star keeps two times behind a shorter prefix
    prefix = header[345 : 476 if header[508:] == b"tar\0" else 500].partition(b"\0")[0]
    return prefix + b"/" + name


def _short(path: bytes) -> bytes:
    if len(path) > _LONGEST_PATH:
        raise ValueError("a path in it is longer than 65535 bytes")
    return path


def _identity(field: int, override: int | None) -> int:
    value = field if override is None else override
    if not 0 <= value <= _LARGEST_ID:
        raise ValueError(f"its owner {value} is not one that Linux can have")
    return value


def _device(header: bytes, records: Records) -> tuple[int, int]:
    if header[257:262] != b"ustar":
        return 0, 0
    major, minor = records.number(b"SCHILY.devmajor"), records.number(b"SCHILY.devminor")
    major = number(header[329:337], "device") if major is None else major
    minor = number(header[337:345], "device") if minor is None else minor
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
