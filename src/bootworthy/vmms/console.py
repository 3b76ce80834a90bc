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


def attend(argv: Sequence[str]) -> int:
    """Run a VM with this process's standard input and output as its console; returns its exit status.

    It ends when the VM does, or when a person at a terminal types Ctrl-], which ends the VM too. Input that is no
    terminal is passed on to its end, and the VM then goes on alone.
    """
    with processes.spawn(argv, stdin=processes.PIPE, stderr=None) as child, _raw(sys.stdin.fileno()) as person:
        inputs = {child.stdout.fileno(), sys.stdin.fileno()}
        while True:
            ready, _, _ = select.select(list(inputs), [], [])
            if child.stdout.fileno() in ready:
                data = os.read(child.stdout.fileno(), _CHUNK)
                if not data:
                    return child.wait()
                _write(sys.stdout.fileno(), data)
            if sys.stdin.fileno() in ready:
                data = os.read(sys.stdin.fileno(), _CHUNK)
                if person and LEAVE in data:
                    return 0
                if not data:
                    inputs.discard(sys.stdin.fileno())
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
