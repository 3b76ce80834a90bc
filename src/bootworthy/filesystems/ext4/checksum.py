"""crc32c over metadata, as the feature metadata_csum wants it (ext4: Checksums).

ext4 starts from all ones and does not invert the result; the library inverts both, so its values are carried
through the parts of one sum and inverted once, at the end.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable
from typing import Self

import google_crc32c

_ONES = 0xFFFFFFFF
_OWNER = struct.Struct("<II").pack


def plain(data: bytes) -> int:
    """The sum over `data` alone: the superblock's."""
    return int(google_crc32c.extend(0, data)) ^ _ONES


class Checksums:
    """Sums of one filesystem: every one of them starts with its UUID."""

    __slots__ = ("_extend", "_seed")

    def __init__(self, volume: uuid.UUID) -> None:
        self._extend: Callable[[int, bytes], int] = google_crc32c.extend
        self._seed: int = self._extend(0, volume.bytes)

    @classmethod
    def seeded(cls, seed: int) -> Self:
        """Sums that start from a value of the superblock's own, which the UUID once gave (metadata_csum_seed)."""
        made = cls(uuid.UUID(int=0))
        made._seed = seed ^ _ONES
        return made

    def of(self, data: bytes) -> int:
        """The sum of a bitmap, 32 bits, or of what begins with its owner's number and generation."""
        return self._extend(self._seed, data) ^ _ONES

    def owned(self, number: int, data: bytes, generation: int = 0) -> int:
        """The sum of what belongs to inode `number`: itself, its directory blocks and its extent blocks."""
        extend = self._extend
        return extend(extend(self._seed, _OWNER(number, generation)), data) ^ _ONES

    def placed(self, block: int, data: bytes) -> int:
        """The sum of an attribute block, which is bound to where it lies."""
        place = self._extend(self._seed, struct.pack("<Q", block))
        return int(self._extend(place, data)) ^ _ONES

    def descriptor(self, group: int, data: bytes) -> int:
        """The sum of a group descriptor, 16 bits."""
        return self.of(struct.pack("<I", group) + data) & 0xFFFF
