"""Run a VM: its console is read as it comes and kept in a file; the process is always gone afterwards."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from bootworthy.host import processes
from bootworthy.host.files import writing

_CHUNK = 65536
LONGEST_LOG = 16 * 2**20
"""Bytes of a console that are kept: a guest that never stops talking must not fill the disk."""
_CUT = b"\n[the console log ends here: it has reached its limit]\n"


@dataclass(slots=True)
class Running:
    """A VM that runs, or did."""

    child: processes.Child
    log: BinaryIO
    errors: Path
    """What the VMM itself said."""
    _kept: int = field(default=0)
    _ended: bool = field(default=False)

    def read(self, timeout: float) -> bytes | None:
        """The next bytes of the console, b"" when there were none for `timeout` seconds, None when there will be none.

        Raises:
            SpaceError: `disk.full`, when the log cannot be kept.
        """
        if self._ended:
            return None
        descriptor = self.child.stdout.fileno()
        ready, _, _ = select.select([descriptor], [], [], max(0.0, timeout))
        if not ready:
            return b""
        data = os.read(descriptor, _CHUNK)
        if not data:
            self._ended = True
            return None
        self._keep(data)
        return data

    def _keep(self, data: bytes) -> None:
        if self._kept >= LONGEST_LOG:
            return
        data = data[: LONGEST_LOG - self._kept]
        self._kept += len(data)
        with writing(Path(self.log.name)):
            self.log.write(data)
            if self._kept == LONGEST_LOG:
                self.log.write(_CUT)
            self.log.flush()

    def wait(self, timeout: float = 10.0) -> int:
        """The exit status of a VM whose console has ended; a process that lingers is ended.

        Raises:
            DeadlineError: `process.deadline`.
        """
        return self.child.wait(timeout)

    def said(self) -> str:
        """What the VMM itself said so far, without the console."""
        return self.errors.read_bytes().decode(errors="replace").strip()


@contextlib.contextmanager
def launch(argv: Sequence[str], folder: Path) -> Iterator[Running]:
    """Run a VM for as long as the `with` block lasts; `folder` gets `console.log` and `vmm.log`.

    The whole process group is gone when the block ends, however it ends.

    Raises:
        HostError: the VMM cannot be started.
        SpaceError: `disk.full`.
    """
    errors = folder / "vmm.log"
    with contextlib.ExitStack() as stack:
        # What a volatile drive is written goes to a nameless file there, and is gone with the process.
        env = {"TMPDIR": str(folder)}
        with writing(folder):
            log = stack.enter_context((folder / "console.log").open("wb"))
            said = stack.enter_context(errors.open("wb"))
        yield Running(stack.enter_context(processes.spawn(argv, env=env, stderr=said)), log, errors)
