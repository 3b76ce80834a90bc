"""Large writes that leave the page cache alone: what another file has there already is not kept twice.

On a fast disk that costs no processor time, and the disk has not to be waited for later. A slow disk is found out by
its first writes; the rest then goes through the page cache, and the disk follows. What is small beside the memory of
this machine is sooner in the page cache than on any disk, and stays there for whoever boots it.
"""

from __future__ import annotations

import errno
import mmap
import os
import time

UNIT = 4096
"""Memory, places and lengths of direct writes are multiples of this."""
_LEAST = 512 << 10
"""Shorter writes go through the page cache: a disk would have to be waited for too often."""
_SHARE = 32
"""The part of memory below which all goes through the page cache. Twice that, which is it and what it is copied from,
is less than Linux lets wait there before it begins to write (vm.dirty_background_ratio, a tenth).
"""
_TRIAL = 64 << 20
_SLOW = 250e6
"""Bytes a second, below which a disk is no match for the page cache."""
_REFUSED = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOSYS}


def pays(size: int) -> bool:
    """Whether so many bytes are better not kept in the page cache of this machine."""
    return size > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _SHARE


def room(size: int) -> memoryview:
    """Memory that direct writes can start from."""
    return memoryview(mmap.mmap(-1, size))


class DirectWriter:
    """Writes into an open file at places of its own choosing; to be closed, which the file is not."""

    def __init__(self, descriptor: int) -> None:
        self._through = descriptor
        self._direct = _opened(descriptor)
        self._written = 0
        self._seconds = 0.0

    def write(self, view: memoryview, at: int) -> None:
        """Write all of some memory of `room`.

        Raises:
            OSError: as the operating system says.
        """
        while self._direct is not None and len(view) >= _LEAST and not (len(view) | at) % UNIT:
            begin = time.perf_counter()
            try:
                done = os.pwrite(self._direct, view, at)
            except OSError as error:
                if error.errno not in _REFUSED:
                    raise
                self.close()
                break
            self._measure(done, time.perf_counter() - begin)
            view, at = view[done:], at + done
        while view:
            done = os.pwrite(self._through, view, at)
            view, at = view[done:], at + done

    def close(self) -> None:
        """Write no more past the page cache."""
        if self._direct is not None:
            os.close(self._direct)
            self._direct = None

    def _measure(self, done: int, seconds: float) -> None:
        self._written += done
        self._seconds += seconds
        if self._written >= _TRIAL and self._written < _SLOW * self._seconds:
            self.close()


def _opened(descriptor: int) -> int | None:
    """The same file once more, for direct writes; None where its filesystem has none."""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        return None
