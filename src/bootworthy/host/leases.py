"""Leases: who uses what of a folder that others clean, so that nothing in use is ever removed.

Each user has one file in the folder's lease folder, flocked while it lives, with a line for each key that it uses. A
cleaner holds the gate alone while it reads them, decides and removes; whoever wants another key waits for it, and looks
afterwards whether the thing is still there. The kernel lets go of the locks of a process that dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from bootworthy.errors import HostError, SpaceError
from bootworthy.host.files import writing
from bootworthy.host.locks import locked

_GATE = "gate"
_SUFFIX = ".lease"
_PATIENCE = 600.0


class Lease:
    """What one user uses. It holds until it is closed, or nobody has the object any more, or the process ends.

    Nothing is written before the first key; several threads may share one.
    """

    __slots__ = ("__weakref__", "_descriptor", "_end", "_folder", "_guard", "_keys")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: set[str] = set()
        self._descriptor: int | None = None
        self._end: weakref.finalize[..., Lease] | None = None
        self._guard = threading.Lock()

    def hold(self, *keys: str) -> None:
        """Use some things from now on. Whether they are there is looked at afterwards.

        A folder that cannot be written, because it is somebody else's or the disk is full, is no obstacle: whoever
        has to write there will say so, and cleaners leave alone what is young.

        Raises:
            DeadlineError: `lock.busy`, when somebody cleans for too long.
        """
        with self._guard, contextlib.suppress(HostError, SpaceError):
            new = [key for key in keys if key not in self._keys]
            if not new:
                return
            with locked(self._folder / _GATE, shared=True, timeout=_PATIENCE), writing(self._folder):
                _write(self._open(), "".join(f"{key}\n" for key in new).encode())
            self._keys.update(new)

    def close(self) -> None:
        """Use nothing any more."""
        if self._end is not None:
            self._end()
        self._descriptor = self._end = None
        self._keys.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> int:
        if self._descriptor is None:
            descriptor, name = tempfile.mkstemp(prefix=f"{os.getpid()}-", suffix=_SUFFIX, dir=self._folder)
            self._end = weakref.finalize(self, _end, descriptor, name, os.getpid())
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._descriptor = descriptor
        return self._descriptor


def of_cache(cache: Path) -> Path:
    """The folder of leases on what is in the cache: keys are diffIDs, and digests of image configurations."""
    return cache / "leases"


@contextlib.contextmanager
def cleaning(folder: Path) -> Iterator[frozenset[str]]:
    """The keys in use by anybody, while the block runs and may remove what they do not name.

    Nobody can begin to use something meanwhile, and nobody else can clean. What users left that died is removed.

    Raises:
        DeadlineError: `lock.busy`.
        SpaceError, HostError: as `host.files.writing`.
    """
    with locked(folder / _GATE, timeout=_PATIENCE):
        found: set[str] = set()
        for path in sorted(folder.glob(f"*{_SUFFIX}")):
            found |= _read(path)
        yield frozenset(found)


def _read(path: Path) -> set[str]:
    """The keys of a lease; a dead one is removed."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:  # its user has just ended
        return set()
    with os.fdopen(descriptor, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return set(file.read().decode().split())
        path.unlink(missing_ok=True)
        return set()


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _end(descriptor: int, name: str, process: int) -> None:
    if os.getpid() == process:  # a fork has the object too, and must not end what its parent uses
        Path(name).unlink(missing_ok=True)
    os.close(descriptor)
