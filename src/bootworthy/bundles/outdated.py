"""What of a catalog is past its end of life."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bootworthy.catalog.dates import last_day
from bootworthy.catalog.entries import Cell


@dataclass(frozen=True, slots=True)
class Life:
    """A system or kernel, and when nobody mends it any more."""

    kind: str
    """`system` or `kernel`."""
    name: str
    title: str
    end_of_life: str | None
    """As the catalog has it; None when it does not say."""
    days: int | None
    """From the day asked about to its last, negative when that is past."""
    source: str
    cells: tuple[str, ...]
    """Those of the chosen cells that have it."""

    @property
    def over(self) -> bool:
        """Whether it is past its end."""
        return self.days is not None and self.days < 0

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "kind": self.kind, "name": self.name, "title": self.title, "end-of-life": self.end_of_life,
            "days-left": self.days, "outdated": self.over, "source": self.source, "cells": list(self.cells),
        }  # fmt: skip


def lives(chosen: Iterable[Cell], day: date) -> tuple[Life, ...]:
    """The systems and kernels of some cells, the soonest end first; what has no date comes last."""
    facts: dict[tuple[str, str], tuple[str, str | None, str]] = {}
    holders: dict[tuple[str, str], list[str]] = {}
    for cell in chosen:
        for kind, entry in (("system", cell.system), ("kernel", cell.kernel)):
            if kind == "kernel" and cell.kernel.embedded:
                continue
            facts[kind, entry.name] = (entry.title, entry.end_of_life, entry.remarks.source)
            holders.setdefault((kind, entry.name), []).append(cell.name)
    found = [
        Life(kind, name, title, end, (last_day(end) - day).days if end else None, source, tuple(holders[kind, name]))
        for (kind, name), (title, end, source) in facts.items()
    ]
    return tuple(sorted(found, key=lambda life: (life.days is None, life.days or 0, life.kind, life.name)))
