"""File data on its way into a body: gathered into large writes, summed, and not written where it is zero."""

from __future__ import annotations

import os

from isal import isal_zlib

from bootworthy.layers.node import BLOCK

_ROOM = 2 << 20
_LARGE = 256 << 10
"""From so many bytes on, data is written from where it is."""
_ZEROS = bytes(1 << 20)


class Placer:
    """Appends to a body, which is an open, empty file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._room = memoryview(bytearray(_ROOM))
        self._filled = 0
        self._checksum = 0
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
        self._flush()
        if len(view) < _LARGE:
            self._room[: len(view)] = view
            self._filled = len(view)
            return
        for at in range(0, len(view), len(_ZEROS)):
            piece = view[at : at + len(_ZEROS)]
            self._checksum = isal_zlib.crc32(piece, self._checksum)
            if _ZEROS.startswith(piece):
                os.lseek(self._descriptor, len(piece), os.SEEK_CUR)
            else:
                self._write(piece)

    def zeros(self, count: int) -> None:
        """Append zeros, less than two blocks."""
        self.put(_ZEROS[:count])

    def align(self) -> None:
        """Append zeros up to the next block."""
        gap = -self.position % BLOCK
        if gap:
            self.put(_ZEROS[:gap])

    def finish(self) -> int:
        """Write what waits; the CRC-32 of the whole body."""
        self._flush()
        os.ftruncate(self._descriptor, self.position)
        return self._checksum

    def _flush(self) -> None:
        if self._filled:
            waiting = self._room[: self._filled]
            self._checksum = isal_zlib.crc32(waiting, self._checksum)
            self._write(waiting)
            self._filled = 0

    def _write(self, view: memoryview) -> None:
        while view:
            view = view[os.write(self._descriptor, view) :]


def checksum(descriptor: int) -> int:
    """The CRC-32 of a whole body that is open."""
    found = 0
    room = memoryview(bytearray(_ROOM))
    while count := os.readv(descriptor, [room]):
        found = isal_zlib.crc32(room[:count], found)
    return found
