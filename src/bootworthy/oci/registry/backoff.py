"""How long we wait for a registry, and how often we try again: bounded, and the same each time."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The patience we have, in seconds where nothing else is said; tests have less."""

    connect: float = 10
    """For a connection and its TLS handshake."""
    answer: float = 120
    """From the end of a request to the first byte of the answer: a registry may hash a large blob meanwhile."""
    idle: float = 60
    """Between two bytes, in either direction."""
    window: float = 30
    """Waiting time over which `floor` bytes must have come."""
    floor: int = 1024
    """Bytes; a sender that drips more slowly is as good as gone."""
    tries: int = 6
    """How often a request is sent that breaks or is put off."""
    connects: int = 3
    """How often a connection is tried that does not come about."""
    first: float = 0.5
    """The first pause; each later one is twice as long."""
    longest: float = 60
    """The longest pause, whatever the registry asks for."""
    total: float = 180
    """All pauses of one request together."""
    redirects: int = 10
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    """Seconds since 1970, for dates in headers."""
    clock: Callable[[], float] = time.monotonic
    """For the age of tokens."""


class Pauses:
    """The pauses of one request."""

    __slots__ = ("_limits", "_made", "_waited")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._made = 0
        self._waited = 0.0

    def next(self, tries: int, asked: float | None = None) -> float | None:
        """Seconds before the next of so many tries, or None when it was the last; `asked` is a `Retry-After`."""
        pause = min(self._limits.first * 2**self._made if asked is None else asked, self._limits.longest)
        if self._made + 1 >= tries or self._waited + pause > self._limits.total:
            return None
        self._made += 1
        self._waited += pause
        return pause

    @property
    def sent(self) -> int:
        """How often the request was sent so far."""
        return self._made + 1


def retry_after(header: str | None, now: float) -> float | None:
    """The seconds that a `Retry-After` asks for (RFC 9110, section 10.2.3); None when it says nothing readable."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,10}", text, re.ASCII):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
