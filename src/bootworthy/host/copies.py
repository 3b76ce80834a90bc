"""Bytes from one file into another: shared, or copied in the kernel, or through memory where it can do neither."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Callable, Iterator

_FICLONE = 0x40049409
"""ioctl_ficlone(2), as every architecture of Linux with generic ioctl numbers has it."""
_FICLONERANGE = 0x4020940D
_RANGE = struct.Struct("@qQQQ")
"""`struct file_clone_range`: source, where in it, how much, where in the target."""
_PIECE = 16 << 20
_CANNOT_SHARE = {
    errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM, errno.EACCES, errno.ETXTBSY,
}  # fmt: skip
_NO_KERNEL_COPY = {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EPERM}


def share(source: int, target: int) -> bool:
    """Make an empty file share all blocks of another (a reflink); False where the filesystem cannot.

    Raises:
        OSError: it failed for another reason; `host.files.writing` makes it an error for people.
    """
    try:
        fcntl.ioctl(target, _FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT_SHARE:
            return False
        raise
    return True


def copy(
    source: int, start: int, target: int, at: int, length: int, advance: Callable[[int], None] | None = None
) -> int:
    """Copy a run of bytes; returns how many there were, fewer than `length` only where the source ends.

    Raises:
        OSError: as the operating system says.
    """
    done = 0
    while done < length:
        piece = min(length - done, _PIECE)
        try:
            count = os.copy_file_range(source, target, piece, start + done, at + done)
        except OSError as error:
            if error.errno not in _NO_KERNEL_COPY:
                raise
            count = _through_memory(source, start + done, target, at + done, piece)
        if not count:
            break
        done += count
        if advance is not None:
            advance(count)
    return done


def copy_sparse(source: int, target: int, advance: Callable[[int], None] | None = None) -> None:
    """Copy a whole file into an empty one; holes stay holes.

    Raises:
        OSError: as the operating system says.
    """
    size = os.fstat(source).st_size
    os.ftruncate(target, size)
    at = 0
    while at < size:
        try:
            data = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole from here on
                return
            raise
        end = os.lseek(source, data, os.SEEK_HOLE)
        copy(source, data, target, data, end - data, advance)
        at = end


def share_range(source: int, start: int, length: int, target: int, at: int) -> bool:
    """Make a run of whole blocks one with another file's; False where the filesystem cannot.

    Raises:
        OSError: it failed for another reason.
    """
    try:
        fcntl.ioctl(target, _FICLONERANGE, _RANGE.pack(source, start, length, at))
    except OSError as error:
        if error.errno in _CANNOT_SHARE:
            return False
        raise
    return True


def stored(source: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The parts of a run that are no holes, as (start, end).

    Raises:
        OSError: as the operating system says.
    """
    while start < end:
        data = _seek(source, start, os.SEEK_DATA, end)
        if data == end:
            return
        start = _seek(source, data, os.SEEK_HOLE, end)
        yield data, start


def _seek(source: int, place: int, whence: int, end: int) -> int:
    """Where the next data or hole begins, at most `end`."""
    try:
        return min(os.lseek(source, place, whence), end)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return end
        raise


def _through_memory(source: int, start: int, target: int, at: int, length: int) -> int:
    data = memoryview(os.pread(source, length, start))
    done = 0
    while done < len(data):
        done += os.pwrite(target, data[done:], at + done)
    return done
