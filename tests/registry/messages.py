"""What goes over the wire of the test registry: a request, an answer, the manner in which it is sent."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

PIECE = 1 << 18


class Reading(Protocol):
    """A file of the connection that is read from."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes."""

    def readline(self, size: int, /) -> bytes:
        """One line."""


class Broken(Exception):  # noqa: N818
    """The connection ends here and now, without an answer."""

    def __init__(self, *, reset: bool = True) -> None:
        super().__init__("the connection ends")
        self.reset = reset


class Incoming:
    """The body of a request, read once: by its length, or in the chunks of RFC 9112, 7.1."""

    def __init__(self, file: Reading, headers: Mapping[str, str]) -> None:
        self._file = file
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        self._left = 0 if self._chunked else int(headers.get("content-length", "0"))
        self._begun = not self._chunked
        self._lost = False
        self.received = 0
        self.breaks_after: int | None = None
        """A fault: after so many bytes the connection is reset."""

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._piece():
            self.received += len(piece)
            yield piece
            if self._lost or (self.breaks_after is not None and self.received >= self.breaks_after):
                raise Broken
        if self._lost:
            raise Broken

    def read(self) -> bytes:
        """All of it."""
        return b"".join(self)

    def drain(self, limit: int = 1 << 20) -> bool:
        """Read what nobody wanted, so that the connection can be used again; False when that is too much."""
        for piece in self:
            limit -= len(piece)
            if limit < 0:
                return False
        return True

    @staticmethod
    def again(content: bytes) -> Incoming:
        """A body that is already here."""
        return Incoming(io.BytesIO(content), {"content-length": str(len(content))})

    def _piece(self) -> bytes:
        if not self._left and self._chunked:
            self._next_chunk()
        size = min(PIECE, self._left)
        if self.breaks_after is not None:
            size = min(size, max(1, self.breaks_after - self.received)) if size else 0
        piece = self._file.read(size) if size else b""
        self._lost = len(piece) < size  # what did come is handed on, and kept
        self._left -= size
        return piece

    def _next_chunk(self) -> None:
        if self._begun:
            self._line()
        self._begun = True
        self._left = int(self._line().split(b";")[0], 16)
        if self._left == 0:
            self._chunked = False
            while self._line():
                pass

    def _line(self) -> bytes:
        line = self._file.readline(1 << 16)
        if not line.endswith(b"\n"):
            raise Broken
        return line.strip()


@dataclass(frozen=True, slots=True)
class Request:
    """One request."""

    method: str
    target: str
    headers: Mapping[str, str]
    """Keys are in lower case; a header that comes twice is joined by commas."""
    body: Incoming
    base: str
    """The address that its sender used, `http://127.0.0.1:PORT`."""

    @property
    def path(self) -> str:
        """The target without its query, decoded."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, list[str]]:
        """The query, decoded."""
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    def first(self, name: str) -> str | None:
        """The first value of a name in the query."""
        return self.query.get(name, [None])[0]


class Ending(Enum):
    """What becomes of the connection after an answer."""

    KEEP = auto()
    CLOSE = auto()
    RESET = auto()
    HANG = auto()
    """Silence, until the other side gives up or the registry ends."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is sent; the default is how it should be."""

    cut: int | None = None
    """Only so many bytes of the body are sent."""
    length_off: int = 0
    """Added to what Content-Length says."""
    extra: int = 0
    """So many zeros are sent after the body."""
    chunked: bool = False
    """No Content-Length; the body goes in chunks."""
    step: int = 0
    """Bytes in one send, with a pause after each."""
    pause: float = 0.0
    """Seconds."""
    silent: bool = False
    """Not even the status line is sent."""
    ending: Ending = Ending.KEEP


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. A body that is a path is a window of that file."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Path = b""
    start: int = 0
    stop: int = 0
    """Of a file: where the window begins and ends."""
    manner: Manner = field(default_factory=Manner)

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body) if isinstance(self.body, bytes) else self.stop - self.start

    @property
    def content(self) -> bytes:
        """The body in memory."""
        if isinstance(self.body, bytes):
            return self.body
        with self.body.open("rb") as file:
            file.seek(self.start)
            return file.read(self.size)

    def header(self, name: str) -> str | None:
        """The value of a header, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Seen:
    """A line of the registry's log."""

    method: str
    target: str
    headers: Mapping[str, str]
    status: int
    """0 where the connection was ended instead."""
    received: int
    """Bytes of its body."""

    @property
    def authorization(self) -> str | None:
        """The header, whole: these are no secrets."""
        return self.headers.get("authorization")


def with_headers(answer: Answer, **headers: str | None) -> tuple[tuple[str, str], ...]:
    """The headers of an answer with some set anew (`_` stands for `-`) or, where None, taken out."""
    named = {key.replace("_", "-").lower(): value for key, value in headers.items()}
    kept = [(key, value) for key, value in answer.headers if key.lower() not in named]
    return (*kept, *((key.title(), value) for key, value in named.items() if value is not None))


def as_json(document: object, status: int = 200, media_type: str = "application/json", **headers: str) -> Answer:
    """An answer that is a document."""
    plain = Answer(status, (("Content-Type", media_type),), json.dumps(document).encode())
    return Answer(status, with_headers(plain, **headers), plain.body)


def problem(status: int, code: str, message: str = "", detail: Any = None) -> Answer:
    """An error as the specification words it."""
    error = {"code": code, "message": message or code.lower().replace("_", " ")}
    return as_json({"errors": [error if detail is None else {**error, "detail": detail}]}, status)
