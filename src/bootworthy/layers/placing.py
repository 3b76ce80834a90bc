"""File data on its way into a body: gathered into large pieces; summed and written, but not where it is zero."""

from __future__ import annotations

import os
from collections.abc import Callable

from isal import isal_zlib

from bootworthy.layers.node import BLOCK

_ROOM = 256 << 10
_LARGE = 256 << 10
"""From so many bytes on, data is handed on from where it is."""
_ZEROS = bytes(1 << 20)
_STEP = 16 << 20


class Placer:
    """Gathers what is put into pieces for `write`, which is done with one when it returns."""

    def __init__(self, write: Callable[[memoryview], object]) -> None:
        self._write = write
        self._room = memoryview(bytearray(_ROOM))
        self._filled = 0
        self.position = 0
        """Bytes put so far."""

    def put(self, view: bytes | memoryview) -> None:
        """Append bytes."""
        size = len(view)
        start = self._filled
        end = start + size
        self.position += size
        if end <= _ROOM and size < _LARGE:
            self._room[start:end] = view
            self._filled = end
        else:
            self._put_large(memoryview(view))

    def _put_large(self, view: memoryview) -> None:
        self.flush()
        if len(view) < _LARGE:
            self._room[: len(view)] = view
            self._filled = len(view)
            return
        for at in range(0, len(view), len(_ZEROS)):
            self._write(view[at : at + len(_ZEROS)])

    def zeros(self, count: int) -> None:
        """Append zeros, less than two blocks."""
        self.put(_ZEROS[:count])

    def align(self) -> None:
        """Append zeros up to the next block."""
        gap = -self.position % BLOCK
        if gap:
            self.put(_ZEROS[:gap])

    def flush(self) -> None:
        """Hand on what was gathered."""
        if self._filled:
            self._write(self._room[: self._filled])
            self._filled = 0


class BodyWriter:
    """Sums and appends pieces to a body, which is an open, empty file; large ones of zeros become holes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = self._sized = 0
        self.checksum = 0
        """CRC-32 of all that was written."""

    def write(self, piece: memoryview) -> None:
        """Append one.

        Raises:
            OSError: as the operating system says.
        """
        self.checksum = isal_zlib.crc32(piece, self.checksum)
        end = self._position + len(piece)
        if len(piece) < _LARGE or not _ZEROS.startswith(piece):
            while piece:
                piece = piece[os.pwrite(self._descriptor, piece, end - len(piece)) :]
        self._position = end
        if end - self._sized >= _STEP:
            # XFS writes to the disk what is new in a file that is given its size, and before blocks are shared: a
            # little at a time, nobody has to wait for it in the end. Elsewhere it costs nothing.
            os.ftruncate(self._descriptor, end)
            self._sized = end

    def finish(self) -> None:
        """Give the file its size, which a hole at its end has not."""
        os.ftruncate(self._descriptor, self._position)


def checksum(descriptor: int) -> int:
    """The CRC-32 of a whole body that is open."""
    found = 0
    room = memoryview(bytearray(_ROOM))
    while count := os.readv(descriptor, [room]):
        found = isal_zlib.crc32(room[:count], found)
    return found
