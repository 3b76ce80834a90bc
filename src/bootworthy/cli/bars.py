"""Progress bars on standard error, when a person looks.

The bars are the last lines on the screen, and the cursor waits in the line below them: whatever ends us, the shell's
prompt comes on a line of its own. Used of the terminal (ECMA-48, and DEC's auto-wrap mode) are cursor up, erase to the
end of the line or screen, and no wrapping while bars are written. Nothing else is changed, so there is nothing to put
back when we are killed.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from types import FrameType, TracebackType
from typing import Self, TextIO

from bootworthy.cli.gauge import ASCII, UNICODE, Clock, Gauge, lines, plain
from bootworthy.host.progress import Task

_PAUSE = 0.1
"""Seconds between two drawings."""
_LATE = 5 * _PAUSE
_UP = "\x1b[{}A"
_ERASE_LINE, _ERASE_BELOW = "\x1b[K", "\x1b[J"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_FALLBACK = os.terminal_size((80, 24))


def in_front(descriptor: int) -> bool:
    """Whether a terminal is ours to draw on: we are not a job in the background."""
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:  # it is not the terminal of our session, and so knows no background
        return True


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Being there is enough."""


class Bars:
    """A `host.progress.Progress` that draws on a terminal until its block ends, and then takes away what it drew."""

    def __init__(self, stream: TextIO | None = None, clock: Clock = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._descriptor = self._stream.fileno()
        self._encoding = self._stream.encoding or "ascii"
        self._symbols = UNICODE if codecs.lookup(self._encoding).name == "utf-8" else ASCII
        self._clock = clock
        self._gauges: list[Gauge] = []
        self._listing = threading.Lock()
        self._screen = threading.Lock()  # whoever works never waits for it: a terminal may be stopped by Ctrl-S
        self._frame: Sequence[str] = ()
        self._drawn = 0
        self._afresh = False
        self._closed = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw_often, name="progress", daemon=True)
        self._ends = (-1, -1)
        """Of a pipe that wakes the thread."""
        self._undo = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._stream.flush()
        reader, writer = os.pipe()
        for end in (reader, writer):
            self._undo.callback(os.close, end)
            os.set_blocking(end, False)
        self._ends = reader, writer
        if threading.current_thread() is threading.main_thread():
            # Python runs handlers in this thread, once it gets to it; the number comes through the pipe at once.
            before = signal.signal(signal.SIGCONT, _ignore)
            self._undo.callback(signal.signal, signal.SIGCONT, before or signal.SIG_DFL)
            self._undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writer, warn_on_full_buffer=False))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._over.set()
            os.write(self._ends[1], b"\0")
            self._thread.join()
            self._undo.close()
        finally:
            with self._screen:
                self._clear()
                self._closed = True

    def note(self, message: str) -> None:
        """Lines above the bars."""
        said = "".join(f"{plain(line)}\r\n" for line in message.split("\n"))
        with self._screen:
            self._put(said, self._frame if self._mine() else ())

    @contextlib.contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Task]:
        """One bar, or a spinner where there is no total."""
        gauge = Gauge(title, total, self._clock())
        with self._listing:
            self._gauges.append(gauge)
        try:
            yield gauge
        finally:
            with self._listing:
                self._gauges.remove(gauge)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Nothing is drawn within the block, so that something else can be printed."""
        with self._screen:
            self._clear()
            yield

    def draw(self) -> None:
        """Show how far everything is."""
        now = self._clock()
        with self._listing:
            gauges = tuple(self._gauges)
        for gauge in gauges:
            gauge.measure(now)
        with self._screen:
            if self._closed or not self._mine():
                return
            size = self._size()
            # A line that is full would leave the cursor in the last column, where erasing takes a character away.
            self._frame = lines(gauges, size.columns - 1, max(1, size.lines - 1), now, self._symbols)
            self._put("", self._frame)

    def _draw_often(self) -> None:
        # A signal that this thread got would not wake the main thread, which is the one that handles it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        poll = select.poll()
        poll.register(self._ends[0], select.POLLIN)
        before, late = time.monotonic(), False
        while not self._over.is_set():
            if poll.poll(_PAUSE * 1000):
                # After Ctrl-Z and `fg` the shell has written below the bars.
                if signal.SIGCONT in os.read(self._ends[0], 64):
                    self._afresh = True
                continue
            now = time.monotonic()
            late = now - before > _LATE and not late  # perhaps we were stopped, and are told so in a moment
            before = now
            if not late:
                self.draw()

    def _mine(self) -> bool:
        if in_front(self._descriptor):
            return True
        self._afresh = True
        return False

    def _size(self) -> os.terminal_size:
        try:
            size = os.get_terminal_size(self._descriptor)
        except OSError:
            return _FALLBACK
        return os.terminal_size((size.columns or _FALLBACK.columns, size.lines or _FALLBACK.lines))

    def _clear(self) -> None:
        self._mine()
        self._frame = ()
        self._put("", ())

    def _put(self, above: str, frame: Sequence[str]) -> None:
        """Put text, which ends its lines, where the bars are, and bars below it: in one write, without flicker."""
        if self._afresh:
            self._afresh, self._drawn = False, 0
        if not (above or frame or self._drawn):
            return
        begin = "\r" + (_UP.format(self._drawn) if self._drawn else "") + (_ERASE_BELOW + above if above else "")
        bars = "".join(f"{line}{_ERASE_LINE}\r\n" for line in frame)
        self._drawn = len(frame)
        self._write(begin + (f"{_NO_WRAP}{bars}{_WRAP}" if bars else "") + _ERASE_BELOW)

    def _write(self, text: str) -> None:
        data = text.encode(self._encoding, "replace")
        # A terminal that is gone, or takes nothing now, is no reason for the work to fail.
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._descriptor, data) :]
