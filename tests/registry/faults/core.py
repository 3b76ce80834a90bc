"""Which requests a fault meets, and how it comes about."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypedDict, Unpack

from tests.registry.messages import Answer, Manner, Request

Proceed = Callable[[Request], Answer]


class Where(TypedDict, total=False):
    """Which requests a fault meets."""

    method: str
    path: str
    first: int
    times: int | None


def either(where: Where, **usual: Unpack[Where]) -> Where:
    """What is usual, where nothing else is said."""
    return {**usual, **where}


@dataclass(slots=True)
class Fault:
    """Something that happens around the answer to some requests."""

    act: Callable[[Request, Proceed], Answer]
    method: str = "GET"
    path: str = ""
    first: int = 1
    times: int | None = 1
    count: int = 0
    """Requests so far that its method and path meet."""
    outside: bool = False
    """It comes before the question who is there; else only those who were let in meet it."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def meets(self, request: Request) -> bool:
        """Whether it happens to this request; each call counts as one."""
        if not re.fullmatch(self.method, request.method) or not re.search(self.path, request.target):
            return False
        with self._lock:
            self.count += 1
            return self.count >= self.first and (self.times is None or self.count < self.first + self.times)

    def around(self, proceed: Proceed) -> Proceed:
        """An answer with the fault in it."""
        return lambda request: self.act(request, proceed)

    @property
    def met(self) -> int:
        """How often it has happened."""
        over = max(0, self.count - self.first + 1)
        return over if self.times is None else min(over, self.times)


def changed(change: Callable[[Answer], Answer], **where: Unpack[Where]) -> Fault:
    """An answer of 200 to 299 that is changed on its way."""

    def act(request: Request, proceed: Proceed) -> Answer:
        answer = proceed(request)
        return change(answer) if 200 <= answer.status < 300 else answer

    return Fault(act, **where)


def sent(manner: Manner, **where: Unpack[Where]) -> Fault:
    return changed(lambda answer: replace(answer, manner=manner), **where)
