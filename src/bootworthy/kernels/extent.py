"""How much memory a kernel takes before it runs its first instruction.

Sources, all of Linux: elf(5) (`p_paddr`, `p_memsz`); Documentation/arch/x86/boot.rst (`pref_address`, `init_size`);
Documentation/arch/arm64/booting.rst (`text_offset`, `image_size`).
"""

from __future__ import annotations

import struct

from bootworthy.kernels.formats import Format

HEAD = 64 << 10
"""Bytes of a kernel that are enough to tell."""
_LOADED = 1
_MOST = 1 << 40


def extent(head: bytes, format_: Format) -> int | None:
    """Bytes from the start of memory to the end of the kernel; None where the head of its file does not say."""
    try:
        end = _end(head, format_)
    except struct.error:
        return None
    # What says more is damaged, and no measure of anything.
    return end if 0 < end < _MOST else None


def _end(head: bytes, format_: Format) -> int:
    match format_:
        case Format.ELF | Format.PVH:
            (start,) = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            rows = [struct.unpack_from("<IIQQQQQ", head, start + number * size) for number in range(count)]
            return max((place + memory for kind, _, _, _, place, _, memory in rows if kind == _LOADED), default=0)
        case Format.BZIMAGE:
            place, size = struct.unpack_from("<QI", head, 0x258)
            return int(place + size)
        case Format.IMAGE:
            offset, size = struct.unpack_from("<QQ", head, 8)
            return int(offset + size)
        case _:
            return 0
