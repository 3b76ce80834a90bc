"""Bodies that are not what they should be, or not as long, or not as said, and connections that end."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from typing import Unpack

from tests.registry.faults.core import Fault, Proceed, Where, changed, sent
from tests.registry.messages import Answer, Broken, Ending, Manner, Request, with_headers


def truncated(at: int, **where: Unpack[Where]) -> Fault:
    """The connection is closed after so many bytes of the body."""
    return sent(Manner(cut=at, ending=Ending.CLOSE), **where)


def reset(at: int, **where: Unpack[Where]) -> Fault:
    """The connection is reset (RST) after so many bytes of the body."""
    return sent(Manner(cut=at, ending=Ending.RESET), **where)


def reset_before(**where: Unpack[Where]) -> Fault:
    """The request is done, and the connection is reset before the status line."""
    return sent(Manner(silent=True, ending=Ending.RESET), **where)


def closed_before(**where: Unpack[Where]) -> Fault:
    """The request is done, and the connection is closed before the status line."""
    return sent(Manner(silent=True, ending=Ending.CLOSE), **where)


def stalled(at: int | None = None, **where: Unpack[Where]) -> Fault:
    """Silence after so many bytes of the body, or before the status line, and the connection stays open."""
    return sent(Manner(cut=at, silent=at is None, ending=Ending.HANG), **where)


def slow(step: int, pause: float, **where: Unpack[Where]) -> Fault:
    """So many bytes, then a pause in seconds, and so on."""
    return sent(Manner(step=step, pause=pause), **where)


def wrong_bytes(at: int = 0, **where: Unpack[Where]) -> Fault:
    """A bit of one byte is turned over; the length is right."""

    def change(answer: Answer) -> Answer:
        content = bytearray(answer.content)
        content[at % len(content)] ^= 1
        return replace(answer, body=bytes(content))

    return changed(change, **where)


def other_bytes(content: bytes, **where: Unpack[Where]) -> Fault:
    """Another body, whose length is said rightly."""
    return changed(lambda answer: replace(answer, body=content), **where)


def wrong_length(off: int, **where: Unpack[Where]) -> Fault:
    """Content-Length says more than is sent, and then the connection ends; or it says less, and all is sent."""
    return sent(Manner(length_off=off, ending=Ending.CLOSE if off > 0 else Ending.KEEP), **where)


def no_length(**where: Unpack[Where]) -> Fault:
    """The body comes in chunks, without Content-Length."""
    return sent(Manner(chunked=True), **where)


def endless(more: int = 1 << 30, **where: Unpack[Where]) -> Fault:
    """The body comes in chunks and goes on with zeros after where it should end."""
    return sent(Manner(chunked=True, extra=more), **where)


def longer(more: int, **where: Unpack[Where]) -> Fault:
    """The body goes on with zeros after where it should end, and Content-Length says so."""
    return sent(Manner(length_off=more, extra=more), **where)


def gzipped(*, truly: bool = True, **where: Unpack[Where]) -> Fault:
    """Content-Encoding says gzip; the body is that, or not."""

    def change(answer: Answer) -> Answer:
        content = gzip.compress(answer.content, 1) if truly else answer.content
        return replace(answer, body=content, headers=with_headers(answer, content_encoding="gzip"))

    return changed(change, **where)


def broken(**where: Unpack[Where]) -> Fault:
    """The connection is reset, and the request is not looked at."""

    def act(request: Request, proceed: Proceed) -> Answer:
        raise Broken

    return Fault(act, **where)


def range_ignored(**where: Unpack[Where]) -> Fault:
    """All of a blob is sent, with 200, whatever Range asked for."""

    def act(request: Request, proceed: Proceed) -> Answer:
        plain = {key: value for key, value in request.headers.items() if key != "range"}
        return proceed(replace(request, headers=plain))

    return Fault(act, **where)


def wrong_range(shift: int = 1, **where: Unpack[Where]) -> Fault:
    """A 206 whose bytes and Content-Range are both some bytes further on than what was asked for."""

    def act(request: Request, proceed: Proceed) -> Answer:
        asked = request.headers.get("range", "")
        moved = re.sub(r"\d+", lambda number: str(int(number[0]) + shift), asked, count=1)
        return proceed(replace(request, headers={**request.headers, "range": moved} if asked else request.headers))

    return Fault(act, **where)


def lying_range(text: str = "bytes 0-0/1", **where: Unpack[Where]) -> Fault:
    """A 206 whose Content-Range says something else than what is sent."""

    def change(answer: Answer) -> Answer:
        return replace(answer, headers=with_headers(answer, content_range=text)) if answer.status == 206 else answer

    return changed(change, **where)
