"""Progress for programs: one JSON object a line on standard error (docs/output.md)."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Iterator
from typing import TextIO

from bootworthy.cli.gauge import Clock, Gauge
from bootworthy.host.progress import Task

_PAUSE = 0.2
"""Seconds between two `advance` of a task, at least."""


class Events:
    """A `host.progress.Progress` that writes events; tasks may be advanced in any thread."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._writing = threading.Lock()
        self._numbers = itertools.count(1)

    def note(self, message: str) -> None:
        """Something that happened."""
        self._write({"event": "note", "title": message})

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Nothing has to make room for others: results are on another stream."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Task]:
        """Work that begins and ends with the block."""
        task = _Told(self, next(self._numbers), Gauge(title, total, self._clock()))
        task.tell("begin")
        try:
            yield task
        finally:
            task.tell("end")

    def tell(self, event: str, number: int, gauge: Gauge) -> None:
        """One event of a task."""
        self._write(
            {
                "event": event, "task": number, "title": gauge.title,
                "done": gauge.done, "total": gauge.total, "skipped": gauge.skipped,
            }
        )  # fmt: skip

    def now(self) -> float:
        """Seconds, by the clock."""
        return self._clock()

    def _write(self, event: dict[str, object]) -> None:
        line = json.dumps(event) + "\n"  # in ASCII, which every encoding of the stream can write
        with self._writing:
            self._stream.write(line)
            self._stream.flush()


class _Told:
    """A task whose progress is written, at most a few times a second."""

    def __init__(self, events: Events, number: int, gauge: Gauge) -> None:
        self._events = events
        self._number = number
        self._gauge = gauge
        self._next = 0.0
        self._telling = threading.Lock()

    def tell(self, event: str) -> None:
        self._events.tell(event, self._number, self._gauge)

    def advance(self, amount: int) -> None:
        self._gauge.advance(amount)
        self._tell_sometimes()

    def skip(self, amount: int) -> None:
        self._gauge.skip(amount)
        self._tell_sometimes()

    def _tell_sometimes(self) -> None:
        with self._telling:
            now = self._events.now()
            if now < self._next:
                return
            self._next = now + _PAUSE
            self.tell("advance")
