"""Streams that are compressed on their way into a file: the same bytes however they arrive."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from isal import isal_zlib

from bootworthy.host.progress import Task
from bootworthy.layers.writer import LEVEL

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PROFILES = ("none", "gzip", "zstd")
ZSTD_LEVEL = 3
_PIECE = 1 << 20


class _Compressor(Protocol):
    def compress(self, data: memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


class Squeezed:
    """Takes bytes, hands them on compressed in pieces of one size."""

    def __init__(self, file: BinaryIO, compressor: _Compressor | None, task: Task) -> None:
        self._file = file
        self._compressor = compressor
        self._task = task
        self._room = memoryview(bytearray(_PIECE))
        self._filled = 0
        self.taken = 0
        """Bytes so far."""

    def write(self, data: bytes | bytearray | memoryview, /) -> object:
        """All of some bytes."""
        left = memoryview(data).cast("B")
        self.taken += len(left)
        while left:
            if not self._filled and len(left) >= _PIECE:
                self._pass(left[:_PIECE])
                left = left[_PIECE:]
                continue
            count = min(len(left), _PIECE - self._filled)
            self._room[self._filled : self._filled + count] = left[:count]
            self._filled += count
            left = left[count:]
            if self._filled == _PIECE:
                self._pass(self._room)
                self._filled = 0
        return None

    def close(self) -> None:
        """Hand on what is left."""
        self._pass(self._room[: self._filled])
        if self._compressor is not None:
            self._file.write(self._compressor.flush())
        self._file.flush()

    def _pass(self, piece: memoryview) -> None:
        self._task.advance(len(piece))
        self._file.write(piece if self._compressor is None else self._compressor.compress(piece))


@contextlib.contextmanager
def squeezed(file: BinaryIO, profile: str, task: Task) -> Iterator[Squeezed]:
    """Write into a file by one of the `PROFILES`; complete when the block ends well."""
    sink = Squeezed(file, _compressor(profile), task)
    yield sink
    sink.close()


def _compressor(profile: str) -> _Compressor | None:
    if profile == "gzip":
        return isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, 16 + isal_zlib.MAX_WBITS)
    if profile == "zstd":
        parameter = zstd.CompressionParameter
        return zstd.ZstdCompressor(options={parameter.compression_level: ZSTD_LEVEL, parameter.checksum_flag: 1})
    return None
