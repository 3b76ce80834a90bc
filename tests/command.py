"""The installed program, run as its users run it, in folders of its own."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bootworthy.host import processes
from bootworthy.host.processes import Completed

PROGRAM = Path(sys.executable).with_name("bootworthy")


@dataclass(frozen=True)
class Command:
    """`bootworthy` with its own store, cache, state and settings under one folder."""

    folder: Path
    env: dict[str, str]

    @classmethod
    def at(cls, folder: Path) -> Command:
        """In a folder, which need not exist."""
        names = ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME")
        kept = {name: os.environ[name] for name in os.environ if name.startswith("BOOTWORTHY_MIRROR_")}
        return cls(folder, {**kept, **{f"BOOTWORTHY_{name}": str(folder / name.lower()) for name in names}})

    @property
    def store(self) -> Path:
        """Its image store."""
        return self.folder / "data" / "store"

    def __call__(
        self, *arguments: str, status: int = 0, timeout: float = 600, cwd: Path | None = None,
        data: bytes | None = None, **env: str,
    ) -> Completed:  # fmt: skip
        """Run it to its end and hold it to an exit status."""
        done = processes.run(
            [PROGRAM, *arguments], env={**self.env, **env}, timeout=timeout, check=False, cwd=cwd, data=data
        )
        assert done.status == status, f"{done.line}: {done.ending()}\n{done.text}\n{done.stderr.decode()}"
        return done
