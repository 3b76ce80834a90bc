"""An iterator that works ahead in a thread of its own, so that inflating overlaps with what is done with the result."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterable, Iterator

_DEPTH = 6
"""Pieces that may wait."""


class _Line:
    """Pieces on their way from one thread to another."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._ended = False
        self._stopped = False

    def fill(self, pieces: Iterable[bytes]) -> None:
        """Put everything in; run by the thread that works ahead."""
        error: BaseException | None = None
        try:
            for piece in pieces:
                if not self._put(piece):
                    break
        except BaseException as raised:  # noqa: BLE001  (raised again by the thread that reads)
            error = raised
        with self._changed:
            self._error, self._ended = error, True
            self._changed.notify()

    def _put(self, piece: bytes) -> bool:
        with self._changed:
            while len(self._waiting) >= _DEPTH and not self._stopped:
                self._changed.wait()
            self._waiting.append(piece)
            self._changed.notify()
            return not self._stopped

    def drain(self) -> Iterator[bytes]:
        """Take everything out."""
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                if not self._waiting:
                    break
                piece = self._waiting.popleft()
                self._changed.notify()
            yield piece
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Nothing more is wanted."""
        with self._changed:
            self._stopped = True
            self._changed.notify()


@contextlib.contextmanager
def ahead(pieces: Iterable[bytes]) -> Iterator[Iterator[bytes]]:
    """What `pieces` gives, made in another thread, a few pieces ahead; an error comes where its piece would have come.

    When the block has ended, so has the thread: it stops after the piece that it is at.
    """
    line = _Line()
    thread = threading.Thread(target=line.fill, args=(pieces,), name="ahead", daemon=True)
    thread.start()
    try:
        yield line.drain()
    finally:
        line.stop()
        thread.join()
