"""Power cuts: what a drive has that had a write cache, told from the log of everything it was asked for.

QEMU's `blklogwrites` writes the log in the format of the kernel's dm-log-writes
(Documentation/admin-guide/device-mapper/log-writes.rst): all numbers are little-endian.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MAGIC = 0x6A736677736872
_FLUSH = 1
_DISCARD = 4
_SECTOR = 512
_PIECE = 4096
"""Bytes that a drive writes wholly or not at all."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes for a place of the drive."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Flush:
    """Everything before it is safe."""


def entries(log: Path) -> Iterator[Write | Flush]:
    """Everything that was asked for, in order; the log ends where QEMU was killed."""
    data = memoryview(log.read_bytes())
    magic, _, _, sector = struct.unpack_from("<QQQI", data)
    assert (magic, sector) == (_MAGIC, _SECTOR)
    place = _SECTOR
    while place + _SECTOR <= len(data):
        first, count, flags, _ = struct.unpack_from("<QQQQ", data, place)
        place += _SECTOR
        if not count and not flags:  # it had its place, and was not written any more
            return
        assert not flags & _DISCARD, "the guest was not asked to discard"
        if flags & _FLUSH:
            yield Flush()
        size = count * _SECTOR
        if place + size > len(data):
            return
        if size:
            yield Write(first * _SECTOR, bytes(data[place : place + size]))
        place += size


def cut(volume: Path, log: Path, share: float, seed: int, *, widest: bool = False) -> int:
    """Make of a volume what a power cut leaves of it: all until a flush, and some of what came after it.

    Args:
        volume: as it was when the log began; changed.
        log: of `blklogwrites`.
        share: how much of what was not flushed is there nevertheless, in no order.
        seed: of the choice.
        widest: cut the power when most was not flushed, instead of at the end of the log.

    Returns:
        Bytes that are lost.
    """
    windows: list[list[Write]] = [[]]
    for entry in entries(log):
        if isinstance(entry, Flush):
            windows.append([])
        else:
            windows[-1].append(entry)
    sizes = [sum(len(entry.data) for entry in window) for window in windows]
    # A volume that was just mounted has nothing yet that could be lost.
    end = max(range(len(windows) // 2, len(windows)), key=sizes.__getitem__) if widest else len(windows) - 1
    chance = random.Random(seed)
    lost = 0
    with volume.open("r+b") as file:
        for number, window in enumerate(windows[: end + 1]):
            for offset, piece in _pieces(window):
                if number < end or chance.random() < share:
                    file.seek(offset)
                    file.write(piece)
                else:
                    lost += len(piece)
    return lost


def _pieces(window: list[Write]) -> Iterator[tuple[int, bytes]]:
    for entry in window:
        for start in range(0, len(entry.data), _PIECE):
            yield entry.offset + start, entry.data[start : start + _PIECE]
