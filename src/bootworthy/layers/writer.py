"""A layer written: the same members give the same bytes, whoever calls and in whatever order they come.

The format is ustar, with pax records only where a header cannot say it (POSIX.1-2024, pax). Names that are no UTF-8 are
marked `hdrcharset=BINARY`. Extended attributes are `SCHILY.xattr.*`, as all OCI tools write them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from isal import isal_zlib

from bootworthy.errors import InternalError
from bootworthy.layers import pax
from bootworthy.layers.node import Chunk, Kind, Node, Tree

LEVEL = 1
"""ISA-L's level for our own layers; the bytes of a compressed layer depend on it."""

_BLOCK = 512
_MAGIC = b"ustar\x0000"
_PIECE = 1 << 20
_SECOND = 10**9
_ZEROS = bytes(_PIECE)
_FLAGS = {
    Kind.FILE: b"0", Kind.SYMLINK: b"2", Kind.CHARACTER: b"3", Kind.BLOCK: b"4", Kind.DIRECTORY: b"5", Kind.FIFO: b"6",
}  # fmt: skip

Content = Callable[[], Iterable[bytes | memoryview]]
"""Gives the bytes of a regular file, in pieces, once."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a layer that is to be written."""

    path: bytes
    """Without slashes at either end; b"" is the root."""
    node: Node
    """What it is; its size is the content's; children and chunks are not looked at."""
    content: Content | None = None
    """Of a regular file that is not empty."""
    link: bytes | None = None
    """The path that this is one more name of."""


@dataclass(frozen=True, slots=True)
class Written:
    """A layer that was written."""

    digest: str
    """`sha256:...` of what was written."""
    diff_id: str
    """`sha256:...` of the tar in it."""
    size: int
    """Of what was written, in bytes."""


def write(members: Iterable[Member], output: Output, *, compress: bool = True) -> Written:
    """Write a layer, as gzip unless `compress` is false.

    Members are sorted so that a directory comes before what is in it; a hard link must name a member that comes
    before it, or a file of a layer below.

    Raises:
        InternalError: `layer.duplicate`, `layer.wrong-size`, `layer.unwritable` (a socket): the caller's mistake.
        OSError: whatever writing to `output` raises.
    """
    sink = _Sink(output, compress=compress)
    previous = None
    for member in sorted(members, key=lambda each: each.path.split(b"/") if each.path else []):
        if member.path == previous:
            raise InternalError("layer.duplicate", f"{member.path!r} is in the layer twice")
        previous = member.path
        _member(sink, member)
    sink.put(bytes(2 * _BLOCK))
    return sink.close()


def members_of(tree: Tree) -> Iterator[Member]:
    """A tree as the members of one layer; content comes from its bodies, holes become zeros, sockets are left out.

    Of a node with several names the first in the order of the archive is the file, and the others are links to it.
    """
    names: dict[int, bytes] = {}
    for path, node in tree.walk():
        if node.kind is Kind.SOCKET:
            continue
        if node.kind is Kind.DIRECTORY:
            yield Member(path, node)
        elif (first := names.setdefault(id(node), path)) != path:
            yield Member(path, node, link=first)
        else:
            yield Member(path, node, content_of(tree, node) if node.size else None)


def content_of(tree: Tree, node: Node) -> Content:
    """The content of a regular file of a tree, in pieces of at most 1 MiB."""

    def pieces() -> Iterator[bytes | memoryview]:
        at = 0
        for chunk in node.chunks:
            yield from _zeros(chunk.offset - at)
            yield from _read(tree.bodies[chunk.body], chunk)
            at = chunk.offset + chunk.length
        yield from _zeros(node.size - at)

    return pieces


def content_from(path: Path) -> Content:
    """The content of a file of this machine, in pieces of at most 1 MiB."""

    def pieces() -> Iterator[bytes | memoryview]:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                yield piece

    return pieces


def _read(body: Path, chunk: Chunk) -> Iterator[bytes]:
    with body.open("rb", buffering=0) as file:
        file.seek(chunk.position)
        left = chunk.length
        while left and (piece := file.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece


def _zeros(count: int) -> Iterator[memoryview]:
    view = memoryview(_ZEROS)
    while count > 0:
        yield view[: min(count, _PIECE)]
        count -= _PIECE


def _member(sink: _Sink, member: Member) -> None:
    node = member.node
    if member.link is None and node.kind not in _FLAGS:
        raise InternalError("layer.unwritable", f"{member.path!r}: a tar cannot hold a socket")
    size = node.size if member.link is None and node.kind is Kind.FILE else 0
    sink.put(header(member, size))
    if not size:
        return
    left = size
    for piece in member.content() if member.content is not None else ():
        left -= len(piece)
        sink.put(piece)
    if left:
        raise InternalError(
            "layer.wrong-size", f"{member.path!r} has {size - left} bytes, not the {size} it should have"
        )
    sink.put(bytes(-size % _BLOCK))


def header(member: Member, size: int) -> bytes:
    """The blocks that stand before a member's data, extended header included."""
    node = member.node
    path = member.path + b"/" if node.kind is Kind.DIRECTORY and member.path else member.path or b"./"
    target = member.link if member.link is not None else node.target
    flag = b"1" if member.link is not None else _FLAGS[node.kind]
    major, minor = node.device if node.kind in {Kind.CHARACTER, Kind.BLOCK} else (0, 0)
    records = _Extended()
    prefix, name = records.path(path)
    fields = (
        name,
        _octal(node.mode, 8),
        records.number(b"uid", node.uid, 8),
        records.number(b"gid", node.gid, 8),
        records.number(b"size", size, 12),
        records.time(node.mtime),
        b" " * 8,
        flag,
        records.target(target),
        _MAGIC,
        bytes(64),
        records.number(b"SCHILY.devmajor", major, 8),
        records.number(b"SCHILY.devminor", minor, 8),
        prefix,
        bytes(12),
    )
    if member.link is None:
        records.xattrs(node.xattrs)
    return records.blocks() + _summed(fields)


class _Extended:
    """What a header could not hold, collected while its fields are made."""

    def __init__(self) -> None:
        self._records: list[tuple[bytes, bytes]] = []
        self._binary = False

    def blocks(self) -> bytes:
        if not self._records:
            return b""
        found = ([(b"hdrcharset", b"BINARY")] if self._binary else []) + self._records
        content = b"".join(pax.record(key, value) for key, value in found)
        fields = (
            _text(b"PaxHeaders/member", 100), _octal(0o644, 8), _octal(0, 8), _octal(0, 8), _octal(len(content), 12),
            _octal(0, 12), b" " * 8, b"x", bytes(100), _MAGIC, bytes(64), _octal(0, 8), _octal(0, 8),
            bytes(155), bytes(12),
        )  # fmt: skip
        return _summed(fields) + content + bytes(-len(content) % _BLOCK)

    def path(self, path: bytes) -> tuple[bytes, bytes]:
        """Prefix and name."""
        if path.isascii():
            if len(path) <= 100:
                return bytes(155), _text(path, 100)
            # a slash that leaves at most 155 bytes before it and 1 to 100 behind it
            slash = path.find(b"/", len(path) - 101, -1)
            if 0 < slash <= 155:
                return _text(path[:slash], 155), _text(path[slash + 1 :], 100)
        return bytes(155), self._say(b"path", path)

    def target(self, target: bytes) -> bytes:
        if target.isascii() and len(target) <= 100:
            return _text(target, 100)
        return self._say(b"linkpath", target)

    def number(self, key: bytes, value: int, width: int) -> bytes:
        if 0 <= value < 8 ** (width - 1):
            return _octal(value, width)
        self._records.append((key, b"%d" % value))
        return _octal(0, width)

    def time(self, mtime: int) -> bytes:
        seconds, fraction = divmod(mtime, _SECOND)
        if not fraction and 0 <= seconds < 8**11:
            return _octal(seconds, 12)
        whole, fraction = divmod(abs(mtime), _SECOND)
        text = b"%s%d" % (b"-" if mtime < 0 else b"", whole)
        self._records.append((b"mtime", (text + b".%09d" % fraction).rstrip(b"0") if fraction else text))
        return _octal(seconds if 0 <= seconds < 8**11 else 0, 12)

    def xattrs(self, xattrs: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in sorted(xattrs):
            self._records.append((b"SCHILY.xattr." + name, value))

    def _say(self, key: bytes, value: bytes) -> bytes:
        """Keep a path as a record; what stands in the header is for readers that know no records."""
        try:
            value.decode()
        except UnicodeDecodeError:
            self._binary = True
        self._records.append((key, value))
        return _text(bytes(byte if byte < 128 else 0x5F for byte in value[:100]), 100)


class Output(Protocol):
    """Where a layer goes."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes, all of them."""


class _Sink:
    """Where the tar goes: hashed, compressed in pieces of one size so that the result cannot depend on the caller's."""

    def __init__(self, output: Output, *, compress: bool) -> None:
        self._output = output
        self._inner = hashlib.sha256()
        self._outer = hashlib.sha256()
        self._deflate = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS) if compress else None
        self._waiting = bytearray()
        self._size = 0

    def put(self, data: bytes | memoryview) -> None:
        self._waiting += data
        while len(self._waiting) >= _PIECE:
            self._pass(bytes(self._waiting[:_PIECE]))
            del self._waiting[:_PIECE]

    def close(self) -> Written:
        self._pass(bytes(self._waiting))
        if self._deflate is not None:
            self._out(self._deflate.flush())
        return Written(f"sha256:{self._outer.hexdigest()}", f"sha256:{self._inner.hexdigest()}", self._size)

    def _pass(self, piece: bytes) -> None:
        self._inner.update(piece)
        self._out(piece if self._deflate is None else self._deflate.compress(piece))

    def _out(self, data: bytes) -> None:
        self._outer.update(data)
        self._output.write(data)
        self._size += len(data)


def _summed(fields: Iterable[bytes]) -> bytes:
    block = bytearray().join(fields)
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _text(value: bytes, width: int) -> bytes:
    return value.ljust(width, b"\0")


def _octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value)
