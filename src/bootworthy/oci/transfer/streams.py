"""From a source that writes to a registry that reads, without a file between them."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Callable
from typing import BinaryIO, Self, cast

from bootworthy.oci.documents import Descriptor
from bootworthy.oci.registry.download import Sink

_PIECES = 4
"""Pieces of 1 MiB that wait at most."""
_PIECE = 1 << 20
_LOOK = 0.5

Fetch = Callable[[Descriptor, Sink], None]


class _ClosedError(Exception):
    """Nobody reads any more."""


class Pipe(io.RawIOBase):
    """A blob that a thread fetches while it is read.

    The last piece is given only when the fetching has ended well: nobody gets a whole blob that is not the right one.
    """

    def __init__(self, fetch: Fetch, descriptor: Descriptor) -> None:
        super().__init__()
        self._queue: queue.Queue[bytes | BaseException] = queue.Queue(_PIECES)
        self._gone = threading.Event()
        self._fetch = fetch
        self._descriptor = descriptor
        self._piece = memoryview(b"")
        self._ended = False
        self._held = b""
        self._thread = threading.Thread(target=self._run, name="transfer-pipe", daemon=True)
        self._thread.start()

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """Fill a buffer as far as something has come."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        piece = self.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes of what has come; none at the end."""
        while not len(self._piece):
            if self._ended:
                return b""
            found = self._queue.get()
            if isinstance(found, BaseException):
                self._queue.put(found)  # whoever reads on is told again
                raise found
            self._ended = not found
            self._piece = memoryview(found)
        if size < 0:
            size = len(self._piece)
        given, self._piece = self._piece[:size], self._piece[size:]
        return bytes(given)

    def close(self) -> None:
        """Let the thread end."""
        self._gone.set()
        super().close()

    def write(self, data: object, /) -> int:
        """What the thread gives."""
        piece = data if isinstance(data, bytes) else bytes(cast("memoryview", data))
        if self._held:
            self._put(self._held)
        self._held = piece
        return len(piece)

    def _run(self) -> None:
        try:
            self._fetch(self._descriptor, cast("Sink", self))
            if self._held:
                self._put(self._held)
            self._put(b"")
        except _ClosedError:
            return
        except BaseException as error:  # noqa: BLE001  (raised again where it is read)
            try:
                self._put(error)
            except _ClosedError:
                return

    def _put(self, what: bytes | BaseException) -> None:
        while not self._gone.is_set():
            try:
                self._queue.put(what, timeout=_LOOK)
            except queue.Full:
                continue
            return
        raise _ClosedError


class Continued:
    """A body over a stream that can be read once: who opens it again where the last one stopped goes on with it.

    Uploads go in parts, and each part opens the body and passes over what was sent before.
    """

    def __init__(self, size: int, begin: Callable[[], BinaryIO]) -> None:
        self._size = size
        self._begin = begin
        self._stream: BinaryIO | None = None
        self._position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self._size

    def open(self) -> BinaryIO:
        """A stream from the start; only the newest one may be read."""
        return cast("BinaryIO", _View(self))

    def read(self, position: int, size: int) -> bytes:
        """Some of the bytes at a position; none at the end."""
        if self._stream is None or position < self._position:
            self.__exit__()
            self._stream, self._position = self._begin(), 0
        while self._position < position:
            piece = self._stream.read(min(_PIECE, position - self._position))
            if not piece:
                return b""
            self._position += len(piece)
        piece = self._stream.read(size)
        self._position += len(piece)
        return piece


class _View(io.RawIOBase):
    """One opening of a `Continued`."""

    def __init__(self, body: Continued) -> None:
        super().__init__()
        self._body = body
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_SET:
            self._at = offset
        elif whence == io.SEEK_CUR:
            self._at += offset
        else:
            self._at = self._body.size + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        piece = self.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            size = self._body.size - self._at
        piece = self._body.read(self._at, min(size, _PIECE)) if size else b""
        self._at += len(piece)
        return piece
