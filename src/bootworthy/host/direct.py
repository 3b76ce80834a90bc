"""Large writes that leave the page cache alone: what another file has there already is not kept twice.

On a fast disk that is the quickest way to write, and costs no processor time. A slow disk is found out by its first
writes; the rest then goes through the page cache, and the disk follows.
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
_TRIAL = 64 << 20
_SLOW = 250e6
"""Bytes a second, below which a disk is no match for the page cache."""
_REFUSED = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOSYS}


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
