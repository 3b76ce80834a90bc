"""Files that appear whole or not at all, and scratch space that goes away."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bootworthy.errors import HostError, SpaceError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def writing(where: Path) -> Iterator[None]:
    """Turn what the operating system says about writing at `where` into errors for people.

    Raises:
        SpaceError: `disk.full`.
        HostError: `disk.denied` or `disk.failed`.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise full(where) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise HostError(
                "disk.denied", "may not write here", where=str(where), hint="choose another folder"
            ) from error
        if error.errno in {errno.EIO, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.EEXIST, errno.ENAMETOOLONG}:
            raise HostError("disk.failed", f"could not write: {error.strerror}", where=str(where)) from error
        raise


def full(where: Path) -> SpaceError:
    """The error for a disk that has no room left, with the room there is."""
    folder = where if where.is_dir() else where.parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = 0
    return SpaceError(
        "disk.full", f"no space left on the disk that holds {folder} ({free // 2**20} MiB free)", where=str(where),
        hint="make room, or move a folder elsewhere: BOOTWORTHY_DATA, BOOTWORTHY_CACHE, BOOTWORTHY_STATE",
    )  # fmt: skip


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic(path: Path, *, mode: int = 0o644, sync: bool = True) -> Iterator[BinaryIO]:
    """A file that is written beside `path` and takes its name only when the block ends well.

    Raises:
        SpaceError, HostError: as `writing` does.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".partial", dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
                file.flush()
                os.fchmod(file.fileno(), mode)
                if sync:
                    os.fsync(file.fileno())
            partial.replace(path)
            if sync:
                sync_folder(path.parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def write(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a whole file atomically."""
    with atomic(path, mode=mode) as file:
        file.write(data)


@contextlib.contextmanager
def scratch(parent: Path | None = None, *, prefix: str = "bootworthy-") -> Iterator[Path]:
    """A folder that is gone when the block ends, beside `parent`'s other files or in the temporary folder."""
    if parent is not None:
        with writing(parent):
            parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
