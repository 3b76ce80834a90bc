"""Progress bars on standard error, when a person looks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Task as RichTask
from rich.text import Text

from bootworthy.host.progress import Task


class _Amount(DownloadColumn):
    """Bytes, where a task counts bytes; nothing where it only takes time."""

    def render(self, task: RichTask) -> Text:
        return super().render(task) if task.total else Text()


class _Bar:
    def __init__(self, progress: Progress, number: int) -> None:
        self._progress = progress
        self._number = number

    def advance(self, amount: int) -> None:
        self._progress.advance(self._number, amount)  # type: ignore[arg-type]  # rich's TaskID is an int


class Bars:
    """A `host.progress.Progress` drawn by rich."""

    def __init__(self) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _Amount(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def note(self, message: str) -> None:
        """One line above the bars."""
        self._progress.console.print(message, markup=False, highlight=False)

    @contextlib.contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Task]:
        """One bar."""
        number = self._progress.add_task(title, total=total)
        try:
            yield _Bar(self._progress, number)
        finally:
            self._progress.remove_task(number)
