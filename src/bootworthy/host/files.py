"""Files that appear whole or not at all, and scratch space that goes away."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from bootworthy.errors import HostError, SpaceError

_PARTIAL = ".partial"
_SCRATCH = ".scratch"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MOVED = "ours are elsewhere with BOOTWORTHY_DATA, BOOTWORTHY_CACHE, BOOTWORTHY_STATE"


@contextlib.contextmanager
def writing(where: Path) -> Iterator[None]:
    """Turn what the operating system says about writing at `where` into errors for people.

    Raises:
        SpaceError: `disk.full`.
        HostError: `disk.denied` or `disk.failed`.
    """
    try:
        yield
    except SpaceError as error:
        error.where = error.where or str(where)  # a program that found no room may not say where
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise full(where) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            why = ": this filesystem is read-only" if error.errno == errno.EROFS else ""
            raise HostError(
                "disk.denied", f"may not write here{why}", where=str(where), hint=f"choose another folder; {_MOVED}"
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
        hint=f"make room; {_MOVED}",
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

    A symbolic link is followed. What a writer of the same file left that was killed in the middle of it is removed.

    Raises:
        HostError: `disk.not-a-file`, when something else has the name: a folder, a device.
        SpaceError, HostError: as `writing` does.
    """
    path = path.resolve() if path.is_symlink() else path
    if path.exists() and not path.is_file():
        raise HostError(
            "disk.not-a-file", "this is no regular file, and is left alone", where=str(path),
            hint="name a file; to fill a device, write a file first and copy it there",
        )  # fmt: skip
    prefix = f".{path.name[:100]}."
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent, prefix, _PARTIAL)
        descriptor, partial = _claimed(lambda: _new_file(path.parent, prefix))
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
    """A folder that is gone when the block ends, beside `parent`'s other files or in the temporary folder.

    What others like it left that were killed is removed.

    Raises:
        SpaceError, HostError: as `writing` does.
    """
    place = parent or Path(tempfile.gettempdir())
    with writing(place):
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        _sweep(place, prefix, _SCRATCH)
        descriptor, folder = _claimed(lambda: _new_folder(place, prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def abandoned(folder: Path, *, prefix: str = "") -> list[Path]:
    """What writers and users of scratch space left in a folder when they were killed, sorted; nobody uses it."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(prefix)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    ours = [name for name in names if name.endswith((_PARTIAL, _SCRATCH)) and name not in {_PARTIAL, _SCRATCH}]
    return sorted(folder / name for name in ours if is_abandoned(folder / name))


def remove_abandoned(path: Path) -> bool:
    """Remove one of the things that `abandoned` found; False when somebody has begun to use it, or it cannot be."""
    with contextlib.suppress(OSError):
        _remove_unused(path)
    return not path.exists()


def is_abandoned(path: Path) -> bool:
    """Whether a file or folder that is locked (flock) by its user while that lives has none any more, and is ours."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(descriptor).st_uid == os.getuid()
    except OSError:
        return False
    finally:
        os.close(descriptor)


class _SweptError(Exception):
    """Somebody who sweeps took a new folder for an old one, in the moment before it was locked."""


def _new_file(folder: Path, prefix: str) -> tuple[int, Path]:
    descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=_PARTIAL, dir=folder)
    return descriptor, Path(name)


def _new_folder(folder: Path, prefix: str) -> tuple[int, Path]:
    made = Path(tempfile.mkdtemp(prefix=prefix, suffix=_SCRATCH, dir=folder))
    try:
        return os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), made
    except FileNotFoundError as error:
        raise _SweptError from error


def _claimed(make: Callable[[], tuple[int, Path]]) -> tuple[int, Path]:
    """Something new that is locked (flock) for as long as its descriptor is open, as a sign that somebody uses it."""
    while True:
        with contextlib.suppress(_SweptError):
            descriptor, path = make()
            with contextlib.suppress(OSError):  # a file system without locks: then nothing is ever swept there
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if path.exists():
                return descriptor, path
            os.close(descriptor)  # between the two calls it looked as if nobody used it


def _sweep(folder: Path, prefix: str, suffix: str) -> None:
    """Remove what nobody uses any more of the things of ours with such names."""
    with os.scandir(folder) as entries:
        left = [entry for entry in entries if entry.name.startswith(prefix) and entry.name.endswith(suffix)]
    for entry in left:
        with contextlib.suppress(OSError):
            if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                _remove_unused(Path(entry.path))


def _remove_unused(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    finally:
        os.close(descriptor)
