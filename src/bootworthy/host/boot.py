"""Which start of the machine this is: what was written since then is seen whole, whether a disk has it or not."""

from __future__ import annotations

import functools
from pathlib import Path
from uuid import UUID

NONE = bytes(16)
"""A start that nobody knows: never the same as another."""
_WHERE = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def boot_id() -> bytes:
    """16 bytes that Linux draws anew each time it starts (random(4)); `NONE` where it does not say.

    A file that was written without being synced can be relied on while this stays the same. After that, only what its
    checksum vouches for can.
    """
    try:
        return UUID(_WHERE.read_text().strip()).bytes
    except (OSError, ValueError):
        return NONE


def same_boot(other: bytes) -> bool:
    """Whether something was written since the machine started."""
    return other != NONE and other == boot_id()
