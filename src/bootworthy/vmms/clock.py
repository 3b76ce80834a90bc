"""What this host's clock is, for guests that must be told.

Under TCG a guest's time stamp counter is the host's own (`cpu_get_host_ticks` in QEMU's include/qemu/timer.h), or
counts nanoseconds where the host has none. A guest that calibrates it against an emulated timer may wait for ever when
the host is busy, and one that is told a wrong frequency keeps wrong time, so the frequency is measured here.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import time
from collections.abc import Callable
from pathlib import Path

from bootworthy.vocabulary import Architecture

_READ_COUNTER = bytes.fromhex("0f31 48c1e220 4809d0 c3")
"""rdtsc; shl rdx, 32; or rax, rdx; ret (Intel SDM volume 2, RDTSC; System V ABI: the result is in rax)."""
_SAMPLE = 0.05
_NANOSECONDS_KHZ = 1_000_000
_SOURCES = Path("/sys/devices/system/clocksource/clocksource0/available_clocksource")


@functools.cache
def counter_khz() -> int | None:
    """Frequency of the counter a guest sees under TCG, in kHz, rounded to 0.1 MHz; None when it cannot be measured."""
    if Architecture.native() is not Architecture.X86_64:
        return _NANOSECONDS_KHZ
    try:
        page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:  # a hardened kernel refuses pages that can be written and executed
        return None
    page.write(_READ_COUNTER)
    buffer = (ctypes.c_char * len(_READ_COUNTER)).from_buffer(page)
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(buffer))
    khz = _frequency(read)
    del buffer
    page.close()
    return round(khz / 100) * 100


def _frequency(read: Callable[[], int]) -> int:
    first_time, first = _moment(read)
    time.sleep(_SAMPLE)
    last_time, last = _moment(read)
    return (last - first) * 1_000_000 // (last_time - first_time)


def _moment(read: Callable[[], int]) -> tuple[int, int]:
    """The time in nanoseconds and the counter at that time: of some tries, the one that took the least."""
    tries = [(time.monotonic_ns(), read(), time.monotonic_ns()) for _ in range(20)]
    before, counter, after = min(tries, key=lambda moment: moment[2] - moment[0])
    return (before + after) // 2, counter


def synchronised() -> bool:
    """Whether this host's kernel trusts the counter to be the same on every processor."""
    if Architecture.native() is not Architecture.X86_64:
        return True
    try:
        return "tsc" in _SOURCES.read_text().split()
    except OSError:
        return False
