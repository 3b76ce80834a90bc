"""A few threads for work that waits for networks and disks. The first thing that goes wrong ends all of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from itertools import islice

from bootworthy.oci.registry.remote import Advance

_PATIENCE = 2.0
"""Seconds that workers get to end before they are left behind: one may wait for a network."""
_LOOK = 0.2


class StoppedError(Exception):
    """Somebody else's work went wrong; what is half done stays half done."""


class Crew:
    """Threads that work until the first of them fails."""

    def __init__(self, parallel: int) -> None:
        self._parallel = max(1, parallel)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._error: BaseException | None = None

    def counting(self, advance: Advance) -> Advance:
        """The same `advance`, which ends whoever calls it once there is no use in going on."""

        def counted(amount: int, /) -> None:
            if self._stopped.is_set():
                raise StoppedError
            advance(amount)

        return counted

    def run(self, jobs: Iterable[Callable[[], None]]) -> None:
        """Do everything, in this order as far as it can be.

        Raises:
            BaseException: the first thing that a job raised.
        """
        waiting = list(jobs)
        if not waiting:
            return
        queue = iter(waiting)
        crew = [
            threading.Thread(target=self._work, args=(queue,), name=f"transfer-{number}", daemon=True)
            for number in range(min(self._parallel, len(waiting)))
        ]
        try:
            for each in crew:
                each.start()
            for each in crew:
                while each.is_alive():  # so that Ctrl-C is heard
                    each.join(_LOOK)
        except BaseException:
            self._stopped.set()
            for each in crew:
                each.join(_PATIENCE / len(crew))
            raise
        if self._error is not None:
            raise self._error

    def _work(self, queue: Iterable[Callable[[], None]]) -> None:
        while not self._stopped.is_set():
            with self._lock:
                job = next(islice(queue, 1), None)
            if job is None:
                return
            try:
                job()
            except StoppedError:
                return
            except BaseException as error:  # noqa: BLE001  (raised again where the work was asked for)
                with self._lock:
                    self._error = self._error or error
                self._stopped.set()
