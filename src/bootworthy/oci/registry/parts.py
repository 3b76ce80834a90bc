"""Parts of a blob as bodies of requests, and how far they were read."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from bootworthy.errors import IntegrityError
from bootworthy.oci.registry.remote import Advance
from bootworthy.oci.registry.wire import Body


class Watch:
    """Tells each byte once, however often it is sent."""

    __slots__ = ("_advance", "_told")

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._told = 0

    def at(self, position: int) -> None:
        """Everything before this byte was sent."""
        if position > self._told:
            self._advance(position - self._told)
            self._told = position


class Feed:
    """A body that is read from any byte on. What follows what was read last comes from the same stream."""

    __slots__ = ("_body", "_position", "_stream")

    def __init__(self, body: Body) -> None:
        self._body = body
        self._stream: BinaryIO | None = None
        self._position = 0

    def read(self, position: int, size: int) -> bytes:
        """Some of so many bytes from there on.

        Raises:
            IntegrityError: `registry.wrong-size`, when there are none.
        """
        piece = self._at(position).read(size)
        if not piece:
            raise _short(self._body.size - position)
        self._position += len(piece)
        return piece

    def close(self) -> None:
        """Let go of the stream."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _at(self, position: int) -> BinaryIO:
        if self._stream is not None and self._position == position:
            return self._stream
        self.close()
        self._stream = stream = self._body.open()
        if position and stream.seekable():
            stream.seek(position)
        else:
            _pass_over(stream, position)
        self._position = position
        return stream


class Part:
    """A run of bytes of a body."""

    __slots__ = ("_feed", "_offset", "_watch", "size")

    def __init__(self, feed: Feed, offset: int, size: int, watch: Watch) -> None:
        self._feed = feed
        self._offset = offset
        self._watch = watch
        self.size = size

    def open(self) -> BinaryIO:
        """A fresh stream of exactly `size` bytes."""
        return cast("BinaryIO", _Window(self._feed, self._offset, self.size, self._watch))


class _Window(io.RawIOBase):
    """The bytes of one part."""

    def __init__(self, feed: Feed, offset: int, size: int, watch: Watch) -> None:
        super().__init__()
        self._feed = feed
        self._position = offset
        self._end = offset + size
        self._watch = watch

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        left = self._end - self._position
        wanted = left if size < 0 else min(size, left)
        if not wanted:
            return b""
        piece = self._feed.read(self._position, wanted)
        self._position += len(piece)
        self._watch.at(self._position)
        return piece

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        piece = self.read(len(view))
        view[: len(piece)] = piece
        return len(piece)


def _pass_over(stream: BinaryIO, count: int) -> None:
    left = count
    while left:
        piece = stream.read(min(left, 1 << 20))
        if not piece:
            raise _short(left)
        left -= len(piece)


def _short(left: int) -> IntegrityError:
    return IntegrityError("registry.wrong-size", f"what was to be sent ends {left} bytes early")
