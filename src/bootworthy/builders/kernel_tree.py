"""The source of a kernel on this machine's disk: unpacked without trust in its archive, and looked at.

Source: the tar format as POSIX.1-2001 (pax) and GNU tar have it, read by Python; the Makefile of Linux.
"""

from __future__ import annotations

import contextlib
import errno
import lzma
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bootworthy.errors import BuildError
from bootworthy.host import files

_LARGEST = 8 << 30
_MOST = 1_000_000
_LATEST = 1 << 32
_FIELD = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL)\s*=\s*(\d{1,4})\s*$", re.MULTILINE)
_BEGINNING = 1 << 16
_DAMAGED = (tarfile.TarError, EOFError, lzma.LZMAError, zlib.error, ValueError, RecursionError)
_NAMES = {errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EINVAL}


@dataclass(frozen=True, slots=True)
class KernelTree:
    """An unpacked source."""

    root: Path
    version: str
    """As its Makefile says: `6.1.192`."""
    epoch: int
    """The time of its youngest file, in seconds since 1970."""


def unpack(archive: Path, folder: Path, where: str) -> KernelTree:
    """Unpack a tar archive, compressed with xz, gzip or bzip2, into an empty folder; `where` names it in messages.

    Owners are left out, links that lead out of the archive are refused, and no file is written through a link.

    Raises:
        BuildError: `source.damaged`, `source.unsafe`, `source.no-kernel`.
        SpaceError, HostError: as `host.files.writing`.
    """
    with files.writing(folder), _readable(where), tarfile.open(archive, "r|*") as tar:
        epoch = _extract(tar, folder, where)
    tops = list(folder.iterdir())
    if len(tops) != 1 or not (tops[0] / "Kconfig").is_file() or not (tops[0] / "Makefile").is_file():
        raise _no_kernel("it has no folder with the Makefile and the Kconfig of Linux at its top", where)
    return KernelTree(tops[0], _version(tops[0] / "Makefile", where), epoch)


def _extract(tar: tarfile.TarFile, folder: Path, where: str) -> int:
    links: list[tuple[Path, str]] = []
    size = epoch = 0
    for number, member in enumerate(tar):
        size += member.size
        if number >= _MOST or size > _LARGEST:
            raise _unsafe("it has more files or bytes than any source of a kernel", where)
        place = folder / _inside(member.name, where)
        epoch = max(epoch, time := _seconds(member))
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
        elif member.isreg():
            _write(tar, member, place, time)
        elif member.issym():
            _inside(os.path.normpath(PurePosixPath(member.name).parent / member.linkname), where)
            links.append((place, member.linkname))
        else:
            raise _unsafe(f"{member.name[:200]!r} is neither file, folder nor symbolic link", where)
    # Links come last, so that nothing is written through one.
    for place, target in links:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
    return epoch


@contextlib.contextmanager
def _readable(where: str) -> Iterator[None]:
    """Turn what an archive makes Python say into errors for people."""
    try:
        yield
    except _DAMAGED as error:
        raise BuildError(
            "source.damaged", f"this is no tar archive, or a damaged one: {error}", where=where,
            hint="give the address of a .tar.xz or .tar.gz",
        ) from error  # fmt: skip
    except OSError as error:
        if error.errno not in _NAMES:
            raise
        raise _unsafe("one of its names is too long, or that of a file and of something else", where) from error


def _seconds(member: tarfile.TarInfo) -> int:
    """The time of a member; a pax header may say anything."""
    return int(member.mtime) if 0 <= member.mtime < _LATEST else 0


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path, time: int) -> None:
    content = tar.extractfile(member)
    assert content is not None
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        shutil.copyfileobj(content, file, 1 << 20)
    place.chmod(0o755 if member.mode & 0o100 else 0o644)
    # Its rules compare times: what is made must be younger than what it is made from.
    os.utime(place, (time, time))


def _inside(name: str, where: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _unsafe(f"{name[:200]!r} leads out of it", where)
    return path


def _version(makefile: Path, where: str) -> str:
    with makefile.open("rb") as file:
        found = dict(_FIELD.findall(file.read(_BEGINNING).decode(errors="replace")))
    if not found.keys() >= {"VERSION", "PATCHLEVEL"}:
        raise _no_kernel("its Makefile does not say which version of Linux it is", where)
    return ".".join(found[name] for name in ("VERSION", "PATCHLEVEL", "SUBLEVEL") if name in found)


def _unsafe(what: str, where: str) -> BuildError:
    return BuildError(
        "source.unsafe", f"this archive is not unpacked: {what}", where=where, hint="take it from where it was made"
    )


def _no_kernel(what: str, where: str) -> BuildError:
    return BuildError(
        "source.no-kernel", f"this is no source of a kernel: {what}", where=where,
        hint="give linux-VERSION.tar.xz, or a package such as linux-source-6.1",
    )  # fmt: skip
