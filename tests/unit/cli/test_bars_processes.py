"""Bars of whole processes on a terminal of their own: Ctrl-C, Ctrl-Z, jobs in the background."""

from __future__ import annotations

import os
import signal
import termios
import time
from pathlib import Path

import pytest

from tests.terminals import Terminal

_BEGIN = """
import os, signal, subprocess, sys, threading, time
from bootworthy.cli import main, output
print("$ before")
"""
_WORK = """
class Session:
    def begin():
        with output.progress() as progress, progress.task("working", 100) as task:
            task.advance(50)
            progress.note(f"process {os.getpid()}.")
            END

import bootworthy.cli.session
bootworthy.cli.session.Session = Session
sys.argv[1:] = ["images"]
main()
"""


def pid(terminal: Terminal) -> int:
    """The process that works, once its bar is drawn."""
    terminal.wait(lambda: any("working" in line for line in terminal.screen.lines) or terminal.ended)
    assert not terminal.ended, terminal.screen.lines
    return int(terminal.screen.lines[1].removeprefix("process ").removesuffix("."))


def state(number: int) -> str:
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("how", ["key", "SIGTERM", "SIGHUP"])
def test_an_interrupt_leaves_a_clean_screen(tmp_path: Path, how: str) -> None:
    with Terminal() as terminal:
        modes = termios.tcgetattr(terminal.stream.fileno())
        source = _BEGIN + _WORK.replace("END", "threading.Event().wait()")
        with terminal.program(tmp_path, source) as status:
            number = pid(terminal)
            terminal.type("\x03") if how == "key" else os.kill(number, signal.Signals[how])
            assert terminal.finish() == ["$ before", f"process {number}.", "", "interrupted"]
            assert status.read_text() == "130\n"
            assert (terminal.screen.row, terminal.screen.column, terminal.screen.wraps) == (4, 0, True)
            assert termios.tcgetattr(terminal.stream.fileno()) == modes


def test_an_error_stands_where_the_bars_were(tmp_path: Path) -> None:
    source = _BEGIN + _WORK.replace("END", "threading.Event().wait(0.5); raise ZeroDivisionError('oh')")
    with Terminal() as terminal, terminal.program(tmp_path, source) as status:
        number = pid(terminal)
        assert terminal.finish() == [
            "$ before", f"process {number}.", "error: this is a bug of ours: ZeroDivisionError: oh",
            "  hint: run it again with --debug and send us what it prints",
        ]  # fmt: skip
        assert status.read_text() == "70\n"


def test_a_killed_process_leaves_the_cursor_on_an_empty_line(tmp_path: Path) -> None:
    source = _BEGIN + _WORK.replace("END", "threading.Event().wait()")
    with Terminal() as terminal, terminal.program(tmp_path, source) as status:
        number = pid(terminal)
        os.kill(number, signal.SIGKILL)
        *_, process, bar, ended = terminal.finish()
        assert process == f"process {number}."
        assert "50/100 B" in bar
        assert ended == "Killed"  # as the shell says
        assert status.read_text() == "137\n"


def test_after_a_stop_what_the_shell_wrote_stays(tmp_path: Path) -> None:
    source = _BEGIN + _WORK.replace("END", "threading.Event().wait()")
    with Terminal() as terminal, terminal.program(tmp_path, source):
        number = pid(terminal)
        os.kill(number, signal.SIGSTOP)
        while state(number) != "T":
            time.sleep(0.01)
        terminal.stream.write("[1]+  Stopped\n$ fg\n")
        time.sleep(1)  # long enough that a drawing is due when it goes on
        os.kill(number, signal.SIGCONT)
        terminal.wait(lambda: "working" in terminal.screen.lines[-1] and "$ fg" in terminal.screen.lines)
        os.kill(number, signal.SIGTERM)
        shown = terminal.finish()
        assert "working" in shown.pop(2)
        assert shown == ["$ before", f"process {number}.", "[1]+  Stopped", "$ fg", "", "interrupted"]


_BACKGROUND = (
    _BEGIN
    + """
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
ours = os.getpgrp()
other = subprocess.Popen(["sleep", "600"], process_group=0)
try:
    os.tcsetpgrp(2, other.pid)
    with output.progress() as progress, progress.task("working"):
        progress.note("in the background")
    os.tcsetpgrp(2, ours)
    with output.progress() as progress, progress.task("again"):
        time.sleep(1)
        os.tcsetpgrp(2, other.pid)
        output.log("prompt of a shell")
        time.sleep(1)
        progress.note("still there")
        time.sleep(1)
finally:
    os.tcsetpgrp(2, ours)
    other.kill()
"""
)


def test_a_job_in_the_background_draws_nothing(tmp_path: Path) -> None:
    with Terminal() as terminal, terminal.program(tmp_path, _BACKGROUND) as status:
        shown = terminal.finish()
        assert status.read_text() == "0\n"
        assert shown[:3] == ["$ before", "working", "in the background"]
        assert shown[3].startswith("again  ")
        assert shown[4:] == ["prompt of a shell", "still there"]
