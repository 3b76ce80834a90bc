"""Memory that was used before: a virtual machine gets it slowly the first time, whoever happens to come first."""

from __future__ import annotations

import subprocess
import sys

_MOST = 4 << 30
_TOUCH = (
    "import mmap, sys; mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)"
)


def warm(size: int) -> None:
    """Touch and give back as much memory as a run on an input of `size` bytes fills: a cache and a volume.

    Another process does it, because a child's peak memory counts from its parent's.
    """
    subprocess.run([sys.executable, "-c", _TOUCH, str(min(2 * size, _MOST))], check=True)
