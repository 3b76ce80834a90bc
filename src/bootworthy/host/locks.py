"""Locks between processes (flock): one writer at a time, and leases that say "I am using this".

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
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _wait(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, timeout, path)
        yield
    finally:
        os.close(descriptor)


def _wait(descriptor: int, kind: int, timeout: float, path: Path) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise DeadlineError(
                    "lock.busy", f"another process held this lock for {timeout:g} s", where=str(path)
                ) from None
            time.sleep(0.05)
        else:
            return
