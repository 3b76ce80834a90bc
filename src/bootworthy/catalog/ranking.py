"""Which of several cells that fit is taken, and why not another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from bootworthy.catalog import words
from bootworthy.catalog.conditions import conditions, met
from bootworthy.catalog.constraints import KUBERNETES
from bootworthy.catalog.dates import last_day
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.catalog.versions import Version
from bootworthy.errors import UsageError
from bootworthy.vocabulary import Support


@dataclass(frozen=True, slots=True)
class _Rule:
    key: Callable[[Cell], Any]
    """The lower one is taken."""
    reason: Callable[[Cell, Cell], str]
    """Of one that was taken and one that was not."""


class Ranking:
    """An order of cells, by the rules of docs/resolve.md."""

    def __init__(self, catalog: Catalog, versions: Mapping[str, str], day: date) -> None:
        """Rank the cells of a catalog.

        Args:
            catalog: theirs; where nothing else tells two apart, its order does.
            versions: consumer to version, as far as they are known.
            day: the day that is asked about.
        """
        places = {cell.name: index for index, cell in enumerate(catalog.cells)}
        machines = {name: index for index, name in enumerate(catalog.machines)}
        supports = list(Support)
        self._rules = (
            _Rule(lambda cell: not _meant(cell, versions), lambda *_: "it is not meant for the versions named"),
            _Rule(lambda cell: supports.index(cell.support), _less),
            _Rule(lambda cell: bool(ended(cell, day)), lambda _, other: f"{' and '.join(ended(other, day))} has ended"),
            _Rule(lambda cell: cell.system.rolling, lambda *_: "its base moves"),
            _Rule(lambda cell: -cell.machine.prefer, lambda best, _: f"the catalog prefers {best.machine.name}"),
            _Rule(lambda cell: machines[cell.machine.name], _later),
            _Rule(lambda cell: _newest(cell.system.software.get(KUBERNETES)), _older("Kubernetes", _kubernetes)),
            _Rule(lambda cell: _newest(words.release(cell.kernel)), _older("kernel", _kernel)),
            _Rule(lambda cell: places[cell.name], lambda *_: "it comes later in the catalog"),
        )  # fmt: skip

    def key(self, cell: Cell) -> tuple[Any, ...]:
        """What to sort by; the best comes first."""
        return tuple(rule.key(cell) for rule in self._rules)

    def reason(self, best: Cell, other: Cell) -> str:
        """Why one cell comes before another, by the first rule that tells them apart."""
        return next(rule.reason(best, other) for rule in self._rules if rule.key(best) != rule.key(other))


def ended(cell: Cell, day: date) -> tuple[str, ...]:
    """The system and kernel of a cell, by name, whose end of life is past on a day."""
    parts = ((cell.system.name, cell.system.end_of_life), (cell.kernel.name, cell.kernel.end_of_life))
    return tuple(name for name, end in parts if end is not None and last_day(end) < day)


def assumed(cell: Cell, versions: Mapping[str, str]) -> tuple[int, ...]:
    """The places, among the conditions of a cell, of those that hang on versions that nobody named."""
    return tuple(index for index, when in enumerate(conditions(cell)) if met(when, versions) is None)


def _meant(cell: Cell, versions: Mapping[str, str]) -> bool:
    return any(met(when, versions) for when in conditions(cell))


class _Backwards:
    """A version that sorts the other way round; none at all comes last."""

    __slots__ = ("_version",)

    def __init__(self, version: Version | None) -> None:
        self._version = version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Backwards) and self._version == other._version

    def __lt__(self, other: _Backwards) -> bool:
        if self._version is None or other._version is None:
            return self._version is not None and other._version is None
        return other._version < self._version

    def __hash__(self) -> int:
        return hash(self._version)


def _newest(text: str | None) -> _Backwards:
    try:
        return _Backwards(Version(text) if text else None)
    except UsageError:
        return _Backwards(None)


def _less(best: Cell, other: Cell) -> str:
    return f"{other.support}, not {best.support}"


def _later(best: Cell, _: Cell) -> str:
    return f"the catalog has {best.machine.name} first"


def _kubernetes(cell: Cell) -> str:
    return cell.system.software.get(KUBERNETES, "unknown")


def _kernel(cell: Cell) -> str:
    return words.release(cell.kernel) or "unknown"


def _older(what: str, version: Callable[[Cell], str]) -> Callable[[Cell, Cell], str]:
    return lambda best, other: f"{what} {version(other)}, not {version(best)}"
