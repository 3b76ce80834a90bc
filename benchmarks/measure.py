"""One command, timed from outside: seconds, memory and bytes written, as the kernel counted them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 512
"""Bytes of what `ru_oublock` counts (getrusage(2))."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run that went well."""

    seconds: float
    processor: float
    """Seconds of processor time, of all its processes."""
    memory: int
    """Bytes that its largest process had at most."""
    written: int
    """Bytes that it and its children made dirty or sent to a disk; shared blocks do not count."""


class NotMeasuredError(Exception):
    """Why there is no figure."""


def run(command: str, folder: Path, env: Mapping[str, str], limit: float) -> Run:
    """Run a shell command in a folder, in a session of its own that ends with it.

    Raises:
        NotMeasuredError: it failed, or took too long.
    """
    log = folder / "log"
    with log.open("wb") as output:
        start = time.perf_counter()
        child = subprocess.Popen(
            ["/bin/sh", "-euc", command], cwd=folder, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            with _ended_after(child.pid, limit):
                _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            _kill(child.pid)
            raise
        seconds = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if seconds >= limit:
        raise NotMeasuredError(f"over {limit:.0f} s")
    if child.returncode:
        raise NotMeasuredError(f"failed: {_last_line(log)}")
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss << 10, used.ru_oublock * _BLOCK)


@contextlib.contextmanager
def _ended_after(pid: int, seconds: float) -> Iterator[None]:
    def end(_signal: int, _frame: object) -> None:
        _kill(pid)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:100] if lines else "no word why"
