"""Memory that was used before: a virtual machine gets it slowly the first time, whoever happens to come first."""

from __future__ import annotations

import mmap

_MOST = 4 << 30


def warm(size: int) -> None:
    """Touch and give back as much memory as a run on an input of `size` bytes fills, twice: a cache and a volume."""
    length = min(2 * size, _MOST)
    with mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE):
        pass
