"""One blob's progress: it is shown from the first byte that has to be moved."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Self

from bootworthy.host.progress import Progress, Task
from bootworthy.oci.digest import short
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.registry.remote import Advance


class Telling:
    """Tells two that bytes went by: whoever counts all of them, and a task of this blob alone."""

    def __init__(self, progress: Progress, blob: Descriptor, advance: Advance, *, there: int = 0) -> None:
        self._progress = progress
        self._blob = blob
        self._advance = advance
        self._there = there
        self._task: Task | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def __call__(self, amount: int, /) -> None:
        """So many more."""
        self._advance(amount)
        if self._task is None:
            title = f"copying {short(self._blob.digest)}"
            self._task = self._stack.enter_context(self._progress.task(title, self._blob.size))
            self._task.skip(self._there)
        self._task.advance(amount)
