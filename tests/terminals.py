"""A terminal: a real pseudo-terminal, and a small screen that understands the few sequences which we use."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import re
import select
import signal
import subprocess
import sys
import termios
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TextIO

_PIECE = re.compile(r"\x1b\[(?P<number>\d*)(?P<what>[AJK])|\x1b\[\?7(?P<wrap>[lh])|(?P<char>[^\x1b])", re.DOTALL)
_BROKEN = re.compile(r"(?:\x1b(?:\[\??\d*)?)?\Z")
"""The beginning of a sequence whose end has not arrived yet."""
_MARK = "\x00"
_PATIENCE = 30.0
"""Seconds of silence after which a test that would hang fails instead."""


def _columns(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


@dataclass
class Screen:
    """What a terminal shows after it was sent some text; any sequence that it does not know is an error."""

    columns: int = 80
    rows: int = 24
    cells: list[list[str]] = field(default_factory=lambda: [[]])
    """Every line from the first on; the last `rows` of them are on the screen. A wide character takes two cells."""
    row: int = 0
    column: int = 0
    wraps: bool = True

    def feed(self, text: str) -> None:
        """Show text."""
        at = 0
        while at < len(text):
            piece = _PIECE.match(text, at)
            assert piece, repr(text[at : at + 20])
            at = piece.end()
            if piece["char"]:
                self._char(piece["char"])
            elif piece["wrap"]:
                self.wraps = piece["wrap"] == "h"
            else:
                self._do(piece["what"], int(piece["number"] or 0))

    @property
    def lines(self) -> list[str]:
        """Everything that can be seen, also by scrolling back; without empty lines at the end."""
        shown = ["".join(cells).rstrip() for cells in self.cells]
        while shown and not shown[-1]:
            shown.pop()
        return shown

    @property
    def _top(self) -> int:
        return max(0, len(self.cells) - self.rows)

    def _do(self, what: str, number: int) -> None:
        self.column = min(self.column, self.columns - 1)
        if what == "A":
            self.row = max(self._top, self.row - max(1, number))
        else:
            assert number == 0, "only what is right of the cursor and below it is ever erased"
            del self.cells[self.row][self.column :]
            if what == "J":
                for cells in self.cells[self.row + 1 :]:
                    cells.clear()

    def _char(self, char: str) -> None:
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self._down()
        else:
            assert unicodedata.category(char) not in {"Cc", "Cf", "Cs"}, repr(char)
            self._print(char, _columns(char))

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.cells):
            self.cells.append([])

    def _print(self, char: str, wide: int) -> None:
        if self.column + wide > self.columns:
            if self.wraps:
                self.column = 0
                self._down()
            else:
                self.column = max(0, self.columns - wide)
        cells = self.cells[self.row]
        cells.extend(" " * (self.column - len(cells)))
        if wide:
            cells[self.column : self.column + wide] = [char, *[""] * (wide - 1)]
        elif cells and self.column:
            cells[self.column - 1] += char
        self.column += wide


class Terminal:
    """A pseudo-terminal whose screen can be looked at."""

    def __init__(self, columns: int = 80, rows: int = 24, encoding: str = "utf-8") -> None:
        self.master, slave = os.openpty()
        self.stream: TextIO = os.fdopen(slave, "w", encoding=encoding, buffering=1)
        self.screen = Screen()
        self.raw = ""
        """All that was written so far."""
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._rest = ""
        self.resize(columns, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.stream.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Close the window."""
        if self.master >= 0:
            os.close(self.master)
        self.master = -1

    def resize(self, columns: int, rows: int) -> None:
        """Make the window another size; what was written stays where it is."""
        termios.tcsetwinsize(self.master, (rows, columns))
        self.screen.columns, self.screen.rows = columns, rows

    def show(self) -> list[str]:
        """The lines on the screen, now that everything written by this process has arrived."""
        self.stream.write(_MARK)
        self.stream.flush()
        self.wait(lambda: self.raw.endswith(_MARK))
        self.raw = self.raw.removesuffix(_MARK)
        return self.screen.lines

    def wait(self, enough: Callable[[], bool]) -> None:
        """Read what is written until it is enough."""
        while not enough():
            ready, _, _ = select.select([self.master], [], [], _PATIENCE)
            assert ready, f"nothing more is written: {self.raw!r}"
            text = self._decoder.decode(os.read(self.master, 1 << 16))
            self.raw += text
            self._rest += text.replace(_MARK, "")
            whole = len(self._rest) - len(_BROKEN.findall(self._rest)[0])
            self.screen.feed(self._rest[:whole])
            self._rest = self._rest[whole:]

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    @contextlib.contextmanager
    def program(self, folder: Path, source: str, **env: str) -> Iterator[Path]:
        """Run a Python program in the foreground of a session whose terminal this is.

        When it has ended, its exit status is in the file that this yields.
        """
        script, status = folder / "program.py", folder / "status"
        script.write_text(source)
        slave = self.stream.fileno()

        def lead() -> None:
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        # The terminal would be hung up with the end of who leads the session: that waits for a key.
        shell = 'trap : INT TERM; "$@"; echo $? > status; printf "\\000"; read -r key'
        kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        with subprocess.Popen(
            ["/bin/sh", "-c", shell, "sh", sys.executable, script], cwd=folder, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lead,  # noqa: PLW1509
            env={**kept, "PYTHONPATH": ":".join(sys.path), "PYTHONUTF8": "1", "TERM": "xterm", **env},
        ) as process:  # fmt: skip
            try:
                yield status
            finally:
                os.killpg(process.pid, signal.SIGKILL)

    def finish(self) -> list[str]:
        """The lines on the screen when the program has ended."""
        self.wait(lambda: self.ended)
        return self.screen.lines

    @property
    def ended(self) -> bool:
        """Whether the program has ended."""
        return self.raw.endswith(_MARK)
