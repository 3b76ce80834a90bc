"""The installed program, run as its users run it, in folders of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bootworthy.host import processes
from bootworthy.host.processes import Completed

PROGRAM = Path(sys.executable).with_name("bootworthy")


@dataclass(frozen=True)
class Command:
    """`bootworthy` with its own store, cache, state and settings under one folder."""

    folder: Path
    env: dict[str, str]
    prefix: tuple[str, ...] = ()
    """A command that runs the program for us, as `unshare` does."""

    @classmethod
    def at(cls, folder: Path) -> Command:
        """In a folder, which need not exist."""
        names = ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME")
        kept = {name: os.environ[name] for name in os.environ if name.startswith("BOOTWORTHY_MIRROR_")}
        return cls(folder, {**kept, **{f"BOOTWORTHY_{name}": str(folder / name.lower()) for name in names}})

    def under(self, *prefix: str, **env: str) -> Command:
        """The same, run by another program, with other variables."""
        return replace(self, prefix=prefix, env={**self.env, **env})

    @property
    def store(self) -> Path:
        """Its image store."""
        return self.folder / "data" / "store"

    @property
    def cache(self) -> Path:
        """Its cache."""
        return self.folder / "cache"

    @property
    def state(self) -> Path:
        """Its evidence."""
        return self.folder / "state"

    def __call__(
        self, *arguments: str, status: int | None = 0, timeout: float = 600, cwd: Path | None = None,
        data: bytes | None = None, **env: str,
    ) -> Completed:  # fmt: skip
        """Run it to its end and hold it to an exit status; None for any."""
        argv = [*self.prefix, str(PROGRAM), *arguments]
        done = processes.run(argv, env={**self.env, **env}, timeout=timeout, check=False, cwd=cwd, data=data)
        assert status in {None, done.status}, f"{done.line}: {done.ending()}\n{done.text}\n{done.stderr.decode()}"
        assert b"Traceback" not in done.stderr
        return done

    def fails(self, status: int, *arguments: str, **env: str) -> str:
        """Run it, hold it to the exit status of an error, and return what it told a person; a remedy is in it."""
        words = self.under(*self.prefix, **env)(*arguments, status=status).stderr.decode()
        assert "error: " in words, words
        assert "  hint: " in words, words
        return words

    @contextlib.contextmanager
    def running(self, *arguments: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start it as a terminal does: leading a process group that Ctrl-C goes to."""
        argv = [*self.prefix, str(PROGRAM), *arguments]
        with subprocess.Popen(
            argv, env=processes.environment({**self.env, **env}), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, process_group=0, preexec_fn=_as_from_a_terminal,  # noqa: PLW1509
        ) as process:  # fmt: skip
            try:
                yield process
            finally:
                process.kill()


def _as_from_a_terminal() -> None:
    """What runs in the background of a script ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
