"""How blobs come into a layout: under a temporary name, hashed on the way, synced, renamed to their digest."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from bootworthy.errors import IntegrityError
from bootworthy.host import files
from bootworthy.oci import digest as digests
from bootworthy.oci.digest import Hasher
from bootworthy.oci.documents import Descriptor

PARTIAL = ".partial"
"""The folder in a layout where blobs are that are not whole."""
_PREFIX = "blob-"


class BlobWriter:
    """A blob that is being written; it has a descriptor when its block has ended."""

    __slots__ = ("_file", "_hasher", "_media_type", "_path")

    def __init__(self, file: FileIO, path: Path, media_type: str, hasher: Hasher) -> None:
        self._file = file
        self._path = path
        self._media_type = media_type
        self._hasher = hasher

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Add bytes; they go straight to the file, so they had better be many.

        Raises:
            SpaceError, HostError: as `host.files.writing`.
        """
        view = left = memoryview(data).cast("B")
        with files.writing(self._path):
            while left:
                left = left[self._file.write(left) :]
        self._hasher.update(view)
        return len(view)

    @property
    def descriptor(self) -> Descriptor:
        """What was written so far."""
        return Descriptor(self._media_type, self._hasher.digest, self._hasher.size)


@contextlib.contextmanager
def new_blob(
    root: Path, media_type: str, *, expect: str | None = None, hold: Callable[[str], None] | None = None
) -> Iterator[BlobWriter]:
    """A blob of the layout at `root` that is there when the block ends well, and leaves nothing when it does not.

    A sound blob that is there already is left alone; a corrupt one is replaced. `hold` is told its digest before it
    is looked for.

    Raises:
        IntegrityError: `store.unexpected-digest`, when it is not what `expect` says.
        SpaceError, HostError: as `host.files.writing`.
    """
    hasher = Hasher.like(expect) if expect else Hasher()
    descriptor, partial = _partial(root)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            writer = BlobWriter(file, partial, media_type, hasher)
            yield writer
            if expect is not None and hasher.digest != expect:
                raise IntegrityError(
                    "store.unexpected-digest", f"the {hasher.size} bytes have the digest {hasher.digest}, not {expect}",
                    hint="get them again from where they came",
                )  # fmt: skip
            if hold is not None:
                hold(hasher.digest)
            target = root / digests.blob_name(hasher.digest)
            if is_sound(target, writer.descriptor):
                return
            with files.writing(target):
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
                target.parent.mkdir(parents=True, exist_ok=True)
                partial.replace(target)
                files.sync_folder(target.parent)
    finally:
        partial.unlink(missing_ok=True)


def abandoned(root: Path) -> list[Path]:
    """What writers of the layout at `root` left that were killed; `host.files.remove_abandoned` removes it."""
    return sorted(path for path in (root / PARTIAL).glob(f"{_PREFIX}*") if files.is_abandoned(path))


def is_sound(path: Path, descriptor: Descriptor) -> bool:
    """Whether a file is there and holds exactly the blob."""
    try:
        if path.stat().st_size != descriptor.size:
            return False
        with path.open("rb") as file:
            algorithm, _, encoded = descriptor.digest.partition(":")
            return hashlib.file_digest(file, algorithm).hexdigest() == encoded
    except (FileNotFoundError, IsADirectoryError):
        return False


def _partial(root: Path) -> tuple[int, Path]:
    """A temporary file on the layout's own disk, flocked while its writer lives; what dead writers left is removed."""
    folder = root / PARTIAL
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{_PREFIX}*"):
            _remove_if_dead(left)
        while True:
            descriptor, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return descriptor, Path(name)
            os.close(descriptor)  # between the two calls it looked like a dead writer's


def _remove_if_dead(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError, BlockingIOError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        finally:
            os.close(descriptor)
