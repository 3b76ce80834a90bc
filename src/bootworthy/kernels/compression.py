"""The compressors of kernels, modules and initramfs images: told by their first bytes, undone strictly.

Formats: RFC 1952 (gzip), the .xz and .lzma file formats of XZ Utils, RFC 8878 (zstd), bzip2, and the "legacy"
frame of LZ4 (lz4_Frame_format.md), which is what the kernel's build uses.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import sys
import zlib
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

import lz4.block  # type: ignore[import-untyped]

from bootworthy.errors import BuildError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIMIT = 1 << 29
"""Nothing here is larger when unpacked; what claims to be is refused before it fills the memory."""

_LZ4_BLOCK = 8 << 20
_LZ4_MAGIC = b"\x02\x21\x4c\x18"


class Compression(StrEnum):
    """A compressor the kernel knows."""

    GZIP = "gzip"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"
    LZMA = "lzma"
    BZIP2 = "bzip2"
    LZO = "lzo"

    @classmethod
    def of(cls, data: bytes) -> Compression | None:
        """The compressor that made `data`, by its first bytes; None when it is not compressed."""
        return next((compression for magic, compression in _MAGICS.items() if data.startswith(magic)), None)

    @property
    def symbol(self) -> str:
        """The configuration symbol of a kernel that can take an initramfs compressed so."""
        return f"RD_{self.value.upper()}"


_MAGICS = {
    b"\x1f\x8b\x08": Compression.GZIP,
    b"\xfd7zXZ\0": Compression.XZ,
    b"\x28\xb5\x2f\xfd": Compression.ZSTD,
    _LZ4_MAGIC: Compression.LZ4,
    b"\x5d\0\0": Compression.LZMA,
    b"BZh": Compression.BZIP2,
    b"\x89LZO\0\r\n\x1a\n": Compression.LZO,
}


class _Stream(Protocol):
    """What every decompressor of Python's can do."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_STREAMS: dict[Compression, Callable[[], _Stream]] = {
    Compression.GZIP: lambda: zlib.decompressobj(31),
    Compression.XZ: lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
    Compression.LZMA: lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE),
    Compression.BZIP2: bz2.BZ2Decompressor,
    # `zstd -22 --ultra` uses windows of 128 MiB, and `--long` larger ones.
    Compression.ZSTD: lambda: zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: 30}),
}
_FAULTS = (zlib.error, lzma.LZMAError, zstd.ZstdError, lz4.block.LZ4BlockError, OSError, EOFError, ValueError)


def decompress(data: bytes, *, limit: int = LIMIT, where: str | None = None) -> tuple[bytes, bytes]:
    """What `data` holds, and the bytes that follow the compressed stream.

    An LZ4 legacy frame does not mark its end: it ends with the data, or four bytes before it where those are the
    length of what was unpacked, as the kernel's build appends it.

    Raises:
        BuildError: `kernel.unreadable`, when the data is damaged, cut off, not compressed or larger than `limit`
            bytes; `kernel.lzo` for LZO.
    """
    compression = Compression.of(data)
    if compression is None:
        raise unreadable(f"is not compressed in a way we know; it starts with {data[:8].hex(' ') or 'nothing'}", where)
    if compression is Compression.LZO:
        raise BuildError(
            "kernel.lzo", "is compressed with LZO, which we do not read", where=where,
            hint="configure the kernel with CONFIG_KERNEL_ZSTD, or recompress the file with zstd",
        )  # fmt: skip
    try:
        if compression is Compression.LZ4:
            return _lz4(data, limit, where)
        stream = _STREAMS[compression]()
        # One byte more than allowed tells "too large" from "exactly so large".
        content = stream.decompress(data, limit + 1)
    except _FAULTS as error:
        raise unreadable(f"its {compression} data is damaged: {error}", where) from error
    if len(content) > limit:
        raise _too_large(limit, where)
    if not stream.eof:
        raise unreadable(f"its {compression} data is cut off", where)
    return content, stream.unused_data


def beginning(data: bytes, size: int, *, where: str | None = None) -> bytes:
    """The first bytes of what `data` holds, which may be cut off itself; nothing behind them is unpacked or looked at.

    Raises:
        BuildError: as `decompress`, as far as these bytes tell.
    """
    compression = Compression.of(data)
    if compression is None or compression is Compression.LZO:
        return decompress(data, where=where)[0]
    try:
        if compression is Compression.LZ4:
            (length,) = struct.unpack_from("<I", data, len(_LZ4_MAGIC))
            return _lz4(data[: len(_LZ4_MAGIC) + 4 + length], _LZ4_BLOCK, where)[0][:size]
        return _STREAMS[compression]().decompress(data, size)
    except (*_FAULTS, struct.error) as error:
        raise unreadable(f"its {compression} data is damaged: {error}", where) from error


def whole(data: bytes, *, limit: int = LIMIT, where: str | None = None) -> bytes:
    """What `data` holds when it is one compressed stream and nothing else; data that is not compressed as it is.

    Raises:
        BuildError: as `decompress`.
    """
    if Compression.of(data) is None:
        return data
    content, rest = decompress(data, limit=limit, where=where)
    if rest:
        raise unreadable(f"{len(rest)} bytes follow its compressed data", where)
    return content


def _lz4(data: bytes, limit: int, where: str | None) -> tuple[bytes, bytes]:
    blocks: list[bytes] = []
    done, position = 0, len(_LZ4_MAGIC)
    while position < len(data):
        rest = data[position:] if len(data) - position <= 4 else b""
        if rest == struct.pack("<I", done) and blocks:
            return b"".join(blocks), rest
        head = data[position : position + 4]
        position += 4
        if head == _LZ4_MAGIC:  # frames may follow each other
            continue
        length = int.from_bytes(head, "little")
        if len(head) < 4 or length == 0 or position + length > len(data):
            raise unreadable("its lz4 data is cut off", where)
        blocks.append(lz4.block.decompress(data[position : position + length], uncompressed_size=_LZ4_BLOCK))
        position += length
        done += len(blocks[-1])
        if done > limit:
            raise _too_large(limit, where)
    return b"".join(blocks), b""


def _too_large(limit: int, where: str | None) -> BuildError:
    return unreadable(f"it unpacks to more than the {limit} bytes it should have", where)


def unreadable(what: str, where: str | None) -> BuildError:
    """The error for a kernel, a module or a part of one that is not what it should be."""
    return BuildError(
        "kernel.unreadable", what, where=where, hint="get the file again: it is damaged, or it is no such file"
    )
