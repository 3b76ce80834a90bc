"""Progress of long work, told to whoever looks; the work itself does not know who that is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol


class Task(Protocol):
    """One piece of work in progress."""

    def advance(self, amount: int) -> None:
        """So many more units (bytes, or steps) are done."""

    def skip(self, amount: int) -> None:
        """So many units of the total need no work: they were there already."""


class Progress(Protocol):
    """Where work says what it is doing."""

    def note(self, message: str) -> None:
        """One line about something that happened."""

    def task(self, title: str, total: int | None = None) -> contextlib.AbstractContextManager[Task]:
        """Work that begins with the block and ends with it; `total` in units if known."""


class _NoTask:
    def advance(self, amount: int) -> None:
        """Nobody is looking."""

    def skip(self, amount: int) -> None:
        """Nobody is looking."""


class Quiet:
    """Nobody is looking."""

    def note(self, message: str) -> None:
        """Nobody is looking."""

    @contextlib.contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Task]:  # noqa: ARG002
        """Nobody is looking."""
        yield _NoTask()


QUIET = Quiet()
