"""A person at the console of a running VM: the terminal raw, every byte passed on, Ctrl-] to leave."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator, Sequence

from bootworthy.host import processes

LEAVE = b"\x1d"
"""Ctrl-], as telnet has it."""
_CHUNK = 65536


def attend(argv: Sequence[str], ready: bytes) -> int:
    """Run a VM with this process's standard input and output as its console; returns its exit status.

    It ends when the VM does, or when a person at a terminal types Ctrl-], which ends the VM too. Input that is no
    terminal is held back until the guest has said `ready` (a login flushes what was typed before), and passed on to
    its end; the VM then goes on alone.
    """
    with processes.spawn(argv, stdin=processes.PIPE, stderr=None) as child, _raw(sys.stdin.fileno()) as person:
        console, keyboard = child.stdout.fileno(), sys.stdin.fileno()
        watched = [console, keyboard] if person else [console]
        held, tail = not person, b""
        while True:
            waiting, _, _ = select.select(watched, [], [])
            if console in waiting:
                data = os.read(console, _CHUNK)
                if not data:
                    return child.wait()
                _write(sys.stdout.fileno(), data)
                tail = (tail + data)[-_CHUNK - len(ready) :]
                if held and ready in tail:
                    held, watched = False, [console, keyboard]
            if keyboard in waiting:
                data = os.read(keyboard, _CHUNK)
                if person and LEAVE in data:
                    return 0
                if not data:
                    watched = [console]
                    continue
                with contextlib.suppress(BrokenPipeError):
                    _write(child.stdin.fileno(), data)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[bool]:
    """The terminal without line editing and signals while the block runs; False where there is no terminal."""
    if not os.isatty(descriptor):
        yield False
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield True
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
