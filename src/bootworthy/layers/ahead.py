"""Threads that work ahead of what needs their results, or behind what makes their work, a few pieces apart."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_DEPTH = 6
"""Pieces that may wait."""


class _Line(Generic[Item]):
    """Items on their way from one thread to another."""

    def __init__(self) -> None:
        self._waiting: deque[Item] = deque()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._ended = False
        self._stopped = False

    def put(self, item: Item) -> bool:
        """Put one in, once there is room; False when nothing is wanted any more."""
        with self._changed:
            while len(self._waiting) >= _DEPTH and not self._stopped:
                self._changed.wait()
            self._waiting.append(item)
            self._changed.notify()
            return not self._stopped

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes; whoever takes things out meets `error` behind the last one."""
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify()

    def drain(self) -> Iterator[Item]:
        """Take everything out."""
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                if not self._waiting:
                    break
                item = self._waiting.popleft()
                self._changed.notify()
            yield item
        if self._error is not None:
            raise self._error

    def clear(self) -> None:
        """Drop what waits."""
        with self._changed:
            self._waiting.clear()

    def stop(self) -> None:
        """Nothing more is wanted."""
        with self._changed:
            self._stopped = True
            self._changed.notify()


@contextlib.contextmanager
def ahead(pieces: Iterable[Item]) -> Iterator[Iterator[Item]]:
    """What `pieces` gives, made in another thread, a few pieces ahead; an error comes where its piece would have come.

    When the block has ended, so has the thread: it stops after the piece that it is at.
    """
    line: _Line[Item] = _Line()

    def fill() -> None:
        error: BaseException | None = None
        try:
            for piece in pieces:
                if not line.put(piece):
                    break
        except BaseException as raised:  # noqa: BLE001  (raised again by the thread that reads)
            error = raised
        line.end(error)

    thread = threading.Thread(target=fill, name="ahead", daemon=True)
    thread.start()
    try:
        yield line.drain()
    finally:
        line.stop()
        thread.join()


@contextlib.contextmanager
def behind(work: Callable[[Item], object]) -> Iterator[Callable[[Item], None]]:
    """A function that has another thread do `work` on what it is called with, in order; it waits while a few wait.

    When the block ends well all of it is done; when it ends with an error, what waits is dropped. An error of `work`
    is raised by the next call, or at the end of the block.
    """
    line: _Line[Item] = _Line()
    failed: list[BaseException] = []

    def put(item: Item) -> None:
        if not line.put(item):
            raise failed[0]

    def run() -> None:
        try:
            for item in line.drain():
                work(item)
        except BaseException as raised:  # noqa: BLE001  (raised again by the thread that puts)
            failed.append(raised)
            line.stop()

    thread = threading.Thread(target=run, name="behind", daemon=True)
    thread.start()
    try:
        yield put
    except BaseException:
        line.clear()
        line.end()
        thread.join()
        raise
    line.end()
    thread.join()
    if failed:
        raise failed[0]
