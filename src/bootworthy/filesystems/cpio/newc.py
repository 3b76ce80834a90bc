"""cpio archives in the "newc" format: what the kernel unpacks as its initramfs.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of Linux, and cpio(5).
The same entries give the same bytes: inode numbers are counted, owner is root, there is one time for all.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from bootworthy.errors import UsageError

_MAGIC = b"070701"
TRAILER = b"TRAILER!!!"
LONGEST_PATH = 4095
"""The kernel skips longer names (PATH_MAX with the NUL)."""
LARGEST_FILE = 0xFFFFFFFF
"""Bytes."""
_RECORD = 512
"""GNU cpio pads archives to this; the kernel skips NULs between archives in any number."""


@dataclass(frozen=True, slots=True)
class CpioEntry:
    """One file of an archive, owned by root."""

    path: bytes
    """Relative to the root, without a leading slash; parents come before what is in them."""
    mode: int
    """All of `st_mode`: type and permissions, as in `stat.S_IFREG | 0o755`."""
    data: bytes = b""
    """Content of a regular file, target of a symbolic link."""
    device: tuple[int, int] = (0, 0)
    """Major and minor of a device node."""


def directory(path: bytes, mode: int = 0o755) -> CpioEntry:
    """A directory; `mode` is its permissions."""
    return CpioEntry(path, stat.S_IFDIR | mode)


def file(path: bytes, data: bytes, mode: int = 0o644) -> CpioEntry:
    """A regular file; `mode` is its permissions."""
    return CpioEntry(path, stat.S_IFREG | mode, data)


def symlink(path: bytes, target: bytes) -> CpioEntry:
    """A symbolic link."""
    return CpioEntry(path, stat.S_IFLNK | 0o777, target)


def character(path: bytes, major: int, minor: int, mode: int = 0o600) -> CpioEntry:
    """A character device; `/dev/console` is (5, 1)."""
    return CpioEntry(path, stat.S_IFCHR | mode, device=(major, minor))


class Header(NamedTuple):
    """What stands before a name."""

    number: int
    """Of the inode; names of one file share it."""
    mode: int
    uid: int
    gid: int
    links: int
    mtime: int
    """Seconds since 1970."""
    size: int
    """Bytes of content."""
    device: tuple[int, int] = (0, 0)

    def pack(self, name: bytes) -> bytes:
        """The header and the name, padded."""
        numbers = (*self[:6], self.size, 0, 0, *self.device, len(name) + 1, 0)
        packed = _MAGIC + b"".join([b"%08X" % number for number in numbers]) + name + b"\0"
        return packed + bytes(-len(packed) % 4)


def trailer(length: int) -> bytes:
    """The end of an archive that is so long without it."""
    packed = Header(0, 0, 0, 0, 1, 0, 0).pack(TRAILER)
    return packed + bytes(-(length + len(packed)) % _RECORD)


def write(entries: Iterable[CpioEntry], *, mtime: int = 0) -> bytes:
    """The archive of `entries`, in their order, with every time set to `mtime` (seconds since 1970).

    Raises:
        UsageError: `cpio.path` for a path the kernel would not take, `cpio.too-large` for a file of 4 GiB or more.
    """
    archive = bytearray()
    for number, entry in enumerate(entries, start=1):
        _check(entry)
        links = 2 if stat.S_ISDIR(entry.mode) else 1
        archive += Header(number, entry.mode, 0, 0, links, mtime, len(entry.data), entry.device).pack(entry.path)
        archive += entry.data
        archive.extend(bytes(-len(archive) % 4))
    return bytes(archive + trailer(len(archive)))


def _check(entry: CpioEntry) -> None:
    where = entry.path.decode(errors="backslashreplace")
    if not entry.path or entry.path.startswith(b"/") or b"\0" in entry.path or len(entry.path) > LONGEST_PATH:
        raise UsageError("cpio.path", "an initramfs cannot hold this path", where=where, hint="give a relative path")
    if entry.path == TRAILER:
        raise UsageError("cpio.path", "this name marks the end of an archive", where=where, hint="rename the file")
    if len(entry.data) > LARGEST_FILE:
        raise UsageError(
            "cpio.too-large", f"{len(entry.data)} bytes, and cpio has room for {LARGEST_FILE} a file", where=where,
            hint="keep it on the root volume instead",
        )  # fmt: skip
