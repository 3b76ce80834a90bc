"""The one door to subprocesses: clean environment and umask, stdin closed, typed result, failure with a line to paste.

Every child leads a process group of its own and is killed by the kernel when we die (`prctl(2)`, PR_SET_PDEATHSIG).
That reaches the child alone, so one that starts others has a watchman too, which ends its whole group: a killed
`bootworthy` leaves nobody behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bootworthy.errors import BuildError, DeadlineError, HostError, SpaceError

_KEPT = ("HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UMASK = 0o022
"""What children write goes into images: its modes must not depend on who builds."""
_PR_SET_PDEATHSIG = 1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOWN = 4000

PIPE = subprocess.PIPE


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child sees: a fixed locale and path, the home and the proxies of the caller, and `extra`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    path = os.pathsep.join(filter(None, [os.environ.get("PATH"), _PATH]))
    return {**kept, "PATH": path, "LC_ALL": "C.UTF-8", "TZ": "UTC", **(extra or {})}


@dataclass(frozen=True, slots=True)
class Completed:
    """A subprocess that ended."""

    argv: tuple[str, ...]
    status: int
    """Exit status; negative when a signal ended it."""
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def text(self) -> str:
        """Standard output as text; bytes that are no UTF-8 are replaced."""
        return self.stdout.decode(errors="replace")

    @property
    def line(self) -> str:
        """The command as one can paste it into a shell."""
        return shlex.join(self.argv)

    def ending(self) -> str:
        """`exit status 1`, or the name of the signal."""
        return ending(self.status)


def ending(status: int) -> str:
    """A wait status in words; negative means a signal."""
    if status >= 0:
        return f"exit status {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"


class Child:
    """A running subprocess that leads its own process group; leaving the `with` block ends the whole group."""

    def __init__(self, process: subprocess.Popen[bytes], argv: Sequence[str], grace: float) -> None:
        self._process = process
        self._grace = grace
        self.argv = tuple(argv)

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its group."""
        return self._process.pid

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe of a child that was spawned without a file for its output."""
        assert self._process.stdout is not None
        return self._process.stdout

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe of a child that was spawned with one."""
        assert self._process.stdin is not None
        return self._process.stdin

    def poll(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return the exit status.

        Raises:
            DeadlineError: `process.deadline`, and the group is gone.
        """
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise DeadlineError(
                "process.deadline", f"{self.argv[0]} did not end within {timeout:g} s",
                where=shlex.join(self.argv),
            ) from None  # fmt: skip

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to every process of the group that is still there."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def end(self) -> int:
        """End the group: SIGTERM, some seconds of grace, SIGKILL. Returns the exit status."""
        try:
            if self._process.poll() is None:
                self.signal_group(signal.SIGTERM)
                deadline = time.monotonic() + self._grace
                while self._process.poll() is None and time.monotonic() < deadline:
                    time.sleep(0.01)
        finally:  # a second Ctrl-C cuts the grace short
            self.signal_group(signal.SIGKILL)
        return self._process.wait()


_LIBC = ctypes.CDLL(None)


def _begin_child(mask: Iterable[int]) -> None:
    """What a child does before it becomes its program."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextlib.contextmanager
def _watchman(group: int) -> Iterator[None]:
    """A shell that kills a process group when we die before the block ends: its pipe closes, however we die."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb"), os.fdopen(reading, "rb") as pipe:
        watchman = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r _; kill -s KILL -- "-$1"', "sh", str(group)], env=environment(), cwd="/",
            stdin=pipe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0,
        )  # fmt: skip
        try:
            yield
        finally:
            watchman.kill()
            watchman.wait()


@contextlib.contextmanager
def spawn(
    argv: Sequence[str | os.PathLike[str]], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL, stdout: IO[bytes] | int = subprocess.PIPE,
    stderr: IO[bytes] | int | None = subprocess.STDOUT, grace: float = 3.0, starts_others: bool = False,
) -> Iterator[Child]:  # fmt: skip
    """Start a child for as long as the `with` block lasts; one that starts others is watched over with them.

    Raises:
        HostError: `tool.missing`, `tool.denied` or `tool.failed`, when it cannot be started.
    """
    words = [os.fspath(word) for word in argv]
    # Python forgets a Ctrl-C that comes while it forks, and nobody would end a child that is not in our hands yet.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        process = subprocess.Popen(
            words, env=environment(env), cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, process_group=0,
            umask=_UMASK, preexec_fn=functools.partial(_begin_child, before),  # noqa: PLW1509  (two system calls)
        )  # fmt: skip
    except BaseException as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if isinstance(error, OSError):
            raise _not_started(words, error) from error
        raise
    child = Child(process, words, grace)
    try:
        with _watchman(process.pid) if starts_others else contextlib.nullcontext():
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                yield child
            finally:
                child.end()
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def _not_started(words: Sequence[str], error: OSError) -> HostError:
    if isinstance(error, FileNotFoundError):
        return HostError("tool.missing", f"could not find {words[0]}", hint="run `bootworthy doctor`")
    if isinstance(error, PermissionError):
        return HostError("tool.denied", f"may not run {words[0]}", where=shlex.join(words))
    return HostError(
        "tool.failed", f"could not start {words[0]}: {error.strerror}", where=shlex.join(words),
        hint="install its package again",
    )  # fmt: skip


def run(
    argv: Sequence[str | os.PathLike[str]], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
    data: bytes | None = None, timeout: float | None = None, check: bool = True, grace: float = 3.0,
    starts_others: bool = False,
) -> Completed:  # fmt: skip
    """Run a child to its end with its output captured.

    Raises:
        BuildError: `process.failed`, when `check` is set and the exit status is not 0.
        SpaceError: `disk.full`, when it failed for that.
        DeadlineError: `process.deadline`.
        HostError: it cannot be started.
    """
    started = time.monotonic()
    stdin = subprocess.DEVNULL if data is None else subprocess.PIPE
    with spawn(
        argv, env=env, cwd=cwd, stdin=stdin, stderr=subprocess.PIPE, grace=grace, starts_others=starts_others
    ) as child:
        try:
            stdout, stderr = child._process.communicate(data, timeout)
        except subprocess.TimeoutExpired:
            raise DeadlineError(
                "process.deadline", f"{child.argv[0]} did not end within {timeout:g} s", where=shlex.join(child.argv)
            ) from None
        done = Completed(child.argv, child.wait(), stdout, stderr, time.monotonic() - started)
    if check and done.status != 0:
        raise failed(done)
    return done


def failed(done: Completed) -> BuildError | SpaceError:
    """The error for a child that failed: how it ended, its last words, and the line that runs it again."""
    words = (done.stderr or done.stdout).decode(errors="replace").strip()[-_SHOWN:]
    name = Path(done.argv[0]).name
    if os.strerror(errno.ENOSPC) in words:
        return SpaceError(
            "disk.full", f"{name} found no space left on the disk:\n{words}",
            hint="make room, or move a folder elsewhere: BOOTWORTHY_DATA, BOOTWORTHY_CACHE, TMPDIR",
        )  # fmt: skip
    return BuildError(
        "process.failed", f"{name} ended with {done.ending()}" + (f":\n{words}" if words else ""),
        hint=f"run it again: {done.line}",
    )  # fmt: skip
