"""What layers are compressed with, undone while streaming: gzip, zstd, xz and bzip2, each member after member."""

from __future__ import annotations

import bz2
import hashlib
import lzma
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import BinaryIO, Protocol, cast

from isal import igzip_lib

from bootworthy.errors import IntegrityError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_INPUT = 256 * 1024
_OUTPUT = 1024 * 1024
_FAILURES: tuple[type[Exception], ...] = (
    cast("type[Exception]", igzip_lib.error), zstd.ZstdError, lzma.LZMAError, EOFError, OSError, ValueError,
)  # fmt: skip


class Compression(StrEnum):
    """How a stream is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    XZ = "xz"
    BZIP2 = "bzip2"

    @classmethod
    def sniff(cls, start: bytes) -> Compression:
        """What the first bytes of a stream say; `NONE` when they say nothing. It takes 6 to be sure."""
        for magic, compression in _MAGIC:
            if start.startswith(magic):
                return compression
        if len(start) >= 4 and start[0] & 0xF0 == 0x50 and start[1:4] == b"\x2a\x4d\x18":
            return cls.ZSTD  # a skippable frame (RFC 8878, 3.1.2) may come first
        return cls.NONE


_MAGIC = (
    (b"\x1f\x8b\x08", Compression.GZIP),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"\xfd7zXZ\x00", Compression.XZ),
    (b"BZh", Compression.BZIP2),
)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_MAKERS: dict[Compression, Callable[[], _Decompressor]] = {
    Compression.GZIP: lambda: cast("_Decompressor", igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)),
    Compression.ZSTD: lambda: cast("_Decompressor", zstd.ZstdDecompressor()),
    Compression.XZ: lambda: lzma.LZMADecompressor(memlimit=1 << 30),
    Compression.BZIP2: lambda: cast("_Decompressor", bz2.BZ2Decompressor()),
}


class Meter:
    """A stream that counts and hashes what is read from it, and tells someone how far it is."""

    def __init__(self, stream: BinaryIO, seen: Callable[[int], None] | None = None) -> None:
        self._stream = stream
        self._seen = seen
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        data = self._stream.read(size)
        self._hash.update(data)
        self.size += len(data)
        if self._seen is not None:
            self._seen(len(data))
        return data

    @property
    def digest(self) -> str:
        """`sha256:...` of what was read so far."""
        return f"sha256:{self._hash.hexdigest()}"


class Readable(Protocol):
    """All that is asked of a compressed stream."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def inflate(stream: Readable, media_type: str = "", *, where: str | None = None) -> Iterator[bytes]:
    """The uncompressed bytes of a stream, in pieces of at most 1 MiB; the stream is read to its very end.

    The first bytes say what the compression is, because media types in the wild are wrong at times; `media_type`
    (`...+gzip`, `...+zstd`, `....tar`) decides only when it promises a compression that is not there.

    Raises:
        IntegrityError: `layer.corrupt`: it breaks off, or a checksum is wrong, or it is not what it says it is.
    """
    start = stream.read(_INPUT)
    while start and len(start) < 6 and (more := stream.read(_INPUT)):
        start += more
    compression = Compression.sniff(start)
    if compression is Compression.NONE:
        if start and media_type.endswith(("gzip", "zstd")):
            raise _corrupt(f"does not begin as {media_type} must", where)
        return _plain(stream, start)
    return _members(stream, start, compression, where)


def _plain(stream: Readable, data: bytes) -> Iterator[bytes]:
    while data:
        yield data
        data = stream.read(_OUTPUT)


def _members(stream: Readable, data: bytes, compression: Compression, where: str | None) -> Iterator[bytes]:
    make = _MAKERS[compression]
    while data:
        member = make()
        while not member.eof:
            if member.needs_input and not data:
                data = stream.read(_INPUT)
                if not data:
                    raise _corrupt(f"breaks off in the middle of its {compression} data", where)
            try:
                piece = member.decompress(data, _OUTPUT)
            except _FAILURES as error:
                raise _corrupt(f"its {compression} data is damaged ({error})", where) from error
            if piece:
                yield piece
            elif not data and _stuck(member):
                raise _corrupt(f"its {compression} data leads nowhere", where)
            data = b""
        data = member.unused_data or stream.read(_INPUT)
        if compression is not Compression.ZSTD:
            data = _after_padding(stream, data)


def _stuck(member: _Decompressor) -> bool:
    """Whether it gave nothing, and does not say what it waits for either."""
    return not (member.eof or member.needs_input)


def _after_padding(stream: Readable, data: bytes) -> bytes:
    """Zeros may follow the last member: tapes and some registries pad."""
    while data and not data[0] and not (data := data.lstrip(b"\0")):
        data = stream.read(_INPUT)
    return data


def _corrupt(message: str, where: str | None) -> IntegrityError:
    return IntegrityError(
        "layer.corrupt", f"the compressed layer is corrupt: {message}", where=where, hint="fetch the image again",
    )  # fmt: skip
