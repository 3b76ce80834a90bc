"""The one door to subprocesses: clean environment, stdin closed, typed result, failure with the line one can paste.

Every child leads a process group of its own and gets SIGTERM from the kernel when we die
(`prctl(2)`, PR_SET_PDEATHSIG), so that a killed `bootworthy` leaves nobody behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bootworthy.errors import BuildError, DeadlineError, HostError

_KEPT = ("HOME", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PR_SET_PDEATHSIG = 1
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
        if self._process.poll() is None:
            self.signal_group(signal.SIGTERM)
            deadline = time.monotonic() + self._grace
            while self._process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
        self.signal_group(signal.SIGKILL)
        return self._process.wait()


_LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def spawn(
    argv: Sequence[str | os.PathLike[str]], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
    stdin: int = subprocess.DEVNULL, stdout: IO[bytes] | int = subprocess.PIPE,
    stderr: IO[bytes] | int | None = subprocess.STDOUT, pass_fds: Sequence[int] = (), grace: float = 3.0,
) -> Iterator[Child]:  # fmt: skip
    """Start a child for as long as the `with` block lasts.

    Raises:
        HostError: `tool.missing` or `tool.denied`, when it cannot be started.
    """
    words = [os.fspath(word) for word in argv]
    try:
        process = subprocess.Popen(
            words, env=environment(env), cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr,
            process_group=0, preexec_fn=_die_with_parent,  # noqa: PLW1509  (one system call, looked up before the fork)
            pass_fds=tuple(pass_fds),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise HostError("tool.missing", f"could not find {words[0]}", hint="run `bootworthy doctor`") from error
    except PermissionError as error:
        raise HostError("tool.denied", f"may not run {words[0]}", where=shlex.join(words)) from error
    child = Child(process, words, grace)
    try:
        yield child
    finally:
        child.end()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


def run(
    argv: Sequence[str | os.PathLike[str]], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
    data: bytes | None = None, timeout: float | None = None, check: bool = True, grace: float = 3.0,
) -> Completed:  # fmt: skip
    """Run a child to its end with its output captured.

    Raises:
        BuildError: `process.failed`, when `check` is set and the exit status is not 0.
        DeadlineError: `process.deadline`.
        HostError: it cannot be started.
    """
    started = time.monotonic()
    stdin = subprocess.DEVNULL if data is None else subprocess.PIPE
    with spawn(argv, env=env, cwd=cwd, stdin=stdin, stderr=subprocess.PIPE, grace=grace) as child:
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


def failed(done: Completed) -> BuildError:
    """The error for a child that failed: how it ended, its last words, and the line that runs it again."""
    words = (done.stderr or done.stdout).decode(errors="replace").strip()[-_SHOWN:]
    name = Path(done.argv[0]).name
    return BuildError(
        "process.failed", f"{name} ended with {done.ending()}" + (f":\n{words}" if words else ""),
        hint=f"run it again: {done.line}",
    )  # fmt: skip
