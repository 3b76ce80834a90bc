"""What layers are compressed with, undone while streaming: gzip, zstd, xz and bzip2, each member after member."""

from __future__ import annotations

import bz2
import hashlib
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import BinaryIO, Protocol, cast

from isal import igzip_lib

from bootworthy.errors import IntegrityError
from bootworthy.host.settings import LAYER_LIMIT, most_inflated

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_INPUT = 256 * 1024
_OUTPUT = 1024 * 1024
_FIRST = 16 * 1024
"""Bytes that a member behind another is given to begin with: it may be tiny, and what it does not use is copied."""
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
    """A stream that counts and hashes what is read from it, and tells someone how far it is.

    It is not hashed where `digest` is given, to which somebody else holds it.
    """

    def __init__(self, stream: BinaryIO, seen: Callable[[int], None] | None = None, digest: str | None = None) -> None:
        self._stream = stream
        self._seen = seen
        self._digest = digest
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        data = self._stream.read(size)
        if self._digest is None:
            self._hash.update(data)
        self.size += len(data)
        if self._seen is not None:
            self._seen(len(data))
        return data

    @property
    def digest(self) -> str:
        """`sha256:...` of what was read so far; of the whole where it was given."""
        return self._digest or f"sha256:{self._hash.hexdigest()}"


class Readable(Protocol):
    """All that is asked of a compressed stream."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


def inflate(
    stream: Readable, media_type: str = "", *, where: str | None = None, limit: int | None = None
) -> Iterator[bytes]:
    """The uncompressed bytes of a stream, in pieces of at most 1 MiB; the stream is read to its very end.

    The first bytes say what the compression is, because media types in the wild are wrong at times; `media_type`
    (`...+gzip`, `...+zstd`, `....tar`) decides only when it promises a compression that is not there.

    Memory is bounded whatever the stream says: a zstd window of more than 128 MiB and an xz dictionary that takes more
    than 1 GiB are refused.

    Args:
        stream: compressed, or not.
        media_type: what its descriptor calls it.
        where: what to call it in messages.
        limit: bytes that it may inflate to; without one, as many as the settings of this machine allow a layer.

    Raises:
        IntegrityError: `layer.corrupt`: it breaks off, or a checksum is wrong, or it is not what it says it is;
            `layer.too-large`: it inflates to more than `limit`.
        DocumentError: `settings.bad`, when the limit that is set is none.
    """
    start = stream.read(_INPUT)
    while start and len(start) < 6 and (more := stream.read(_INPUT)):
        start += more
    compression = Compression.sniff(start)
    if compression is Compression.NONE:
        if start and media_type.endswith(("gzip", "zstd")):
            raise _corrupt(f"does not begin as {media_type} must", where)
        return _plain(stream, start)  # no longer than its blob, whose size is declared
    most = most_inflated() if limit is None else limit
    return _limited(_members(stream, start, compression, where), most, where)


def _plain(stream: Readable, data: bytes) -> Iterator[bytes]:
    while data:
        yield data
        data = stream.read(_OUTPUT)


def _limited(pieces: Iterable[bytes], limit: int, where: str | None) -> Iterator[bytes]:
    """Pieces, as long as they are not more than so many bytes."""
    left = limit
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise IntegrityError(
                "layer.too-large", f"the layer inflates to more than {limit} bytes, the most that is allowed here",
                where=where, hint=f"if it is meant to be so large, allow more: {LAYER_LIMIT}=256G",
            )  # fmt: skip
        yield piece


def _members(stream: Readable, data: bytes, compression: Compression, where: str | None) -> Iterator[bytes]:
    make = _MAKERS[compression]
    source = _Given(stream, data)
    share = _INPUT
    while source.more():
        member = make()
        while not member.eof:
            data = b""
            if member.needs_input and not (data := source.take(share)):
                raise _corrupt(f"breaks off in the middle of its {compression} data", where)
            share = _INPUT
            try:
                piece = member.decompress(data, _OUTPUT)
            except _FAILURES as error:
                raise _corrupt(f"its {compression} data is damaged ({error})", where) from error
            if piece:
                yield piece
            elif not data and _stuck(member):
                raise _corrupt(f"its {compression} data leads nowhere", where)
        source.back(len(member.unused_data))
        if compression is not Compression.ZSTD:
            source.skip_zeros()
        share = _FIRST


def _stuck(member: _Decompressor) -> bool:
    """Whether it gave nothing, and does not say what it waits for either."""
    return not (member.eof or member.needs_input)


class _Given:
    """What was read of a compressed stream, some of which a member may not have wanted."""

    def __init__(self, stream: Readable, data: bytes) -> None:
        self._stream = stream
        self._data = data
        self._at = 0

    def more(self) -> bool:
        """Whether there is anything left."""
        if self._at == len(self._data):
            self._data, self._at = self._stream.read(_INPUT), 0
        return bool(self._data)

    def take(self, size: int) -> bytes:
        """Some bytes, at most `size`; none at the end."""
        if not self.more():
            return b""
        found = self._data[self._at : self._at + size]  # the whole, where it fits, is not copied
        self._at += len(found)
        return found

    def back(self, size: int) -> None:
        """Of what was taken last, so many bytes were not used."""
        self._at -= size

    def skip_zeros(self) -> None:
        """Zeros may follow the last member: tapes and some registries pad."""
        while self.more():
            if self._data[self._at]:
                return
            self._at = len(self._data) - len(self._data[self._at :].lstrip(b"\0"))


def _corrupt(message: str, where: str | None) -> IntegrityError:
    return IntegrityError(
        "layer.corrupt", f"the compressed layer is corrupt: {message}", where=where, hint="fetch the image again",
    )  # fmt: skip
