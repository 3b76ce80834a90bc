"""The journal: how large, and its superblock (ext4: Journal (jbd2)). All of it but that block is a hole."""

from __future__ import annotations

import struct
import uuid

from bootworthy.filesystems.ext4.options import BLOCK

_STEPS = ((2048, 0), (32768, 1024), (262144, 4096), (524288, 8192), (4194304, 16384), (8388608, 32768),
          (16777216, 65536), (33554432, 131072))  # fmt: skip
_LARGEST = 262144
SMALLEST_VOLUME = 2048
"""Blocks of the smallest volume that can have a journal."""


def blocks(volume: int) -> int:
    """Blocks of the journal for a volume of so many blocks: what mke2fs gives it; 0 when there is no room for one."""
    return next((size for limit, size in _STEPS if volume < limit), _LARGEST)


def superblock(count: int, volume: uuid.UUID) -> bytes:
    """The first block of an empty journal of `count` blocks."""
    head = struct.pack(">IIIIIIIII", 0xC03B3998, 4, 0, BLOCK, count, 1, 1, 0, 0)
    return (head + struct.pack(">III16sI", 0, 0, 0, volume.bytes, 1)).ljust(BLOCK, b"\0")
