"""cpio archives, read: the members of one, as the kernel takes them out of an initial RAM disk.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of Linux. Strict where the kernel guesses: a number
that is none, a name without its end, and an archive without a trailer are damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from bootworthy.errors import BuildError
from bootworthy.filesystems.cpio.newc import LONGEST_PATH, TRAILER

MAGICS = (b"070701", b"070702")
"""Without and with checksums; the kernel does not look at the sums, and nor do we."""
MEMBERS = 200_000
"""No initial RAM disk has so many; an archive that says so is made to fill memories."""

_HEADER = 110
_FIELDS = 13


class Member(NamedTuple):
    """One name of an archive."""

    path: bytes
    """As written, without the NUL."""
    number: int
    """Of the inode, which names of one file share."""
    mode: int
    """All of `st_mode`."""
    uid: int
    gid: int
    links: int
    mtime: int
    """Seconds since 1970."""
    size: int
    """Bytes of content."""
    source: tuple[int, int]
    """Major and minor of the device that the file was packed from."""
    device: tuple[int, int]
    """Major and minor of a device node."""
    start: int
    """Where its content is in the data, in bytes."""


class Archive(NamedTuple):
    """An archive in some data."""

    members: tuple[Member, ...]
    end: int
    """The first byte behind its trailer."""


def read(data: bytes, start: int = 0) -> Archive:
    """The archive that begins at `start`, which is a multiple of 4.

    Raises:
        BuildError: `cpio.unreadable`, with the place in the data.
    """
    members: list[Member] = []
    for member, end in _members(data, start):
        if member.path == TRAILER:
            return Archive(tuple(members), end)
        members.append(member)
        if len(members) > MEMBERS:
            raise unreadable(f"it has more than {MEMBERS} names", start)
    raise unreadable("it has no trailer", len(data))


def _members(data: bytes, start: int) -> Iterator[tuple[Member, int]]:
    """Every member, and where the next one begins."""
    at = start
    while at < len(data):
        header = data[at : at + _HEADER]
        if not header.startswith(MAGICS):
            raise unreadable(f"no member begins with {header[:6]!r}", at)
        if len(header) < _HEADER:
            raise unreadable("it is cut off in a header", at)
        fields = _numbers(header, at)
        number, mode, uid, gid, links, mtime, size, *devices, length, _ = fields
        if not 0 < length <= LONGEST_PATH + 1:
            raise unreadable(f"a name has {length} bytes", at)
        name = data[at + _HEADER : at + _HEADER + length]
        if len(name) < length or name.find(b"\0") != length - 1:
            raise unreadable("a name does not end where it should", at)
        content = _aligned(at + _HEADER + length)
        if content + size > len(data):
            raise unreadable(f"it is cut off in a file of {size} bytes", at)
        member = Member(
            name[:-1], number, mode, uid, gid, links, mtime, size, (devices[0], devices[1]), (devices[2], devices[3]),
            content,
        )  # fmt: skip
        at = _aligned(content + size)
        yield member, at


def _numbers(header: bytes, at: int) -> list[int]:
    digits = header[6:]
    # int() would take signs, spaces and underscores, too.
    if digits.translate(None, b"0123456789abcdefABCDEF"):
        raise unreadable("a header has something that is no hexadecimal number", at)
    return [int(digits[8 * field : 8 * field + 8], 16) for field in range(_FIELDS)]


def _aligned(position: int) -> int:
    return -(-position // 4) * 4


def unreadable(what: str, at: int) -> BuildError:
    """The error for an archive that is not what it should be, `at` so many bytes into it."""
    return BuildError(
        "cpio.unreadable", f"the cpio archive cannot be read at byte {at}: {what}",
        hint="make the archive again with `cpio -o -H newc`",
    )  # fmt: skip
