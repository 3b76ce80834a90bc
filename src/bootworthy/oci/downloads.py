"""Blobs that come from far into a layout: one process gets one, others wait for it, and what a killed one had is used.

A blob that is not whole is kept in the layout's `.partial` under a name made of its digest, locked (flock) while
somebody writes it. It is hashed from its first byte when it is taken up again, and renamed to its digest when it is
right.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from bootworthy.errors import DeadlineError, IntegrityError
from bootworthy.host import files
from bootworthy.host.locks import locked
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.intake import PARTIAL

_PREFIX = "download-"
_LOOK = 30.0
_PATIENCE = 600.0
"""Seconds to wait for another process that gets nothing new."""


class Kept:
    """A file that a blob is written to, perhaps with its beginning there already."""

    __slots__ = ("_file", "_path")

    def __init__(self, file: FileIO, path: Path) -> None:
        self._file = file
        self._path = path

    def write(self, data: bytes | memoryview, /) -> int:
        """Add bytes.

        Raises:
            SpaceError, HostError: as `host.files.writing`.
        """
        left = memoryview(data)
        with files.writing(self._path):
            while left:
                left = left[self._file.write(left) :]
        return len(data)

    def read(self, size: int, /) -> bytes:
        """At most so many bytes of what is there."""
        return self._file.read(size) or b""

    def seek(self, offset: int, /) -> int:
        """Go to a byte."""
        return self._file.seek(offset)

    def truncate(self, size: int, /) -> int:
        """Forget everything from a byte on."""
        return self._file.truncate(size)


Fetch = Callable[[Kept, int], None]
"""Writes a blob to a file that has so many bytes of it; when it returns, they were right."""


def download(root: Path, descriptor: Descriptor, fetch: Fetch) -> bool:
    """See to it that the layout at `root` has a blob; False when it had, or somebody else got it meanwhile.

    Raises:
        IntegrityError: `fetch` says that the bytes are wrong; nothing is kept of them.
        DeadlineError: `lock.busy`, when another process has the blob in work and gets nothing new.
        SpaceError, HostError: as `host.files.writing`; what came is kept.
    """
    target = root / digests.blob_name(descriptor.digest)
    if is_there(target, descriptor):
        return False
    path = root / PARTIAL / (_PREFIX + descriptor.digest.replace(":", "-"))
    with _alone(path):
        if is_there(target, descriptor):
            path.unlink(missing_ok=True)
            return False
        try:
            with files.writing(path), path.open("r+b", buffering=0) as file:
                start = os.fstat(file.fileno()).st_size
            with path.open("r+b", buffering=0) as file:
                file.seek(start)
                fetch(Kept(file, path), start)
                with files.writing(path):
                    os.fchmod(file.fileno(), 0o644)
                    os.fsync(file.fileno())
        except BaseException as error:
            if isinstance(error, IntegrityError) or not path.stat().st_size:
                path.unlink(missing_ok=True)
            raise
        with files.writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
            files.sync_folder(target.parent)
    return True


def is_there(path: Path, descriptor: Descriptor) -> bool:
    """Whether a blob is there with all its bytes; they are compared with the digest when somebody reads them."""
    try:
        return path.stat().st_size == descriptor.size and path.is_file()
    except (FileNotFoundError, NotADirectoryError):
        return False


def abandoned(root: Path, *, before: float) -> list[Path]:
    """What downloads into the layout at `root` left that nobody has touched since, in seconds since 1970."""
    found = []
    for path in (root / PARTIAL).glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime <= before and files.is_abandoned(path):
                found.append(path)
    return sorted(found)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock on a partial download; who has it is waited for as long as the file grows."""
    with contextlib.ExitStack() as stack:
        waited, before = 0.0, -1
        while True:
            try:
                stack.enter_context(locked(path, timeout=_LOOK))
                break
            except DeadlineError:
                now = _size(path)
                waited = waited + _LOOK if now == before else 0.0
                before = now
                if waited >= _PATIENCE:
                    raise
        yield


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
