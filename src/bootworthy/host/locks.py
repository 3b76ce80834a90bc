"""Locks between processes (flock): one writer at a time.

The kernel lets go of a lock when its holder dies, so a crash leaves nothing that must be cleaned.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from bootworthy.errors import DeadlineError
from bootworthy.host.files import writing


@contextlib.contextmanager
def locked(path: Path, *, shared: bool = False, timeout: float = 600.0) -> Iterator[None]:
    """Hold the lock file `path` while the block runs, waiting up to `timeout` seconds for it.

    Raises:
        DeadlineError: `lock.busy`.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _wait(descriptor, kind, timeout, path)
            if _is(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)


def remove_if_free(path: Path) -> bool:
    """Remove a lock file that nobody holds; who waits for it meanwhile makes it anew. Returns whether it is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is(descriptor, path):
            path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is(descriptor: int, path: Path) -> bool:
    """Whether the file that was opened is still the one that has the name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _wait(descriptor: int, kind: int, timeout: float, path: Path) -> None:
    deadline = time.monotonic() + timeout
    pause = 0.001
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DeadlineError(
                    "lock.busy", f"another process held this lock for {timeout:g} s", where=str(path)
                ) from None
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        else:
            return
