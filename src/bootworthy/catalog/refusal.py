"""Nothing meets every need: which needs are at odds, and the nearest cells with what each changes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bootworthy.catalog import words
from bootworthy.catalog.constraints import Change, Constraint, Kind
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.catalog.needs import Needs
from bootworthy.errors import RefusedError

_MOST = 6
"""Alternatives that are named."""
_MOST_ALIKE = 3
"""Alternatives that change the same needs."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A cell that fits when some needs are others."""

    cell: Cell
    changes: tuple[Change, ...]
    needs: Needs
    """The needs with these changes."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """No cell meets every need."""

    conflict: tuple[str, ...]
    """The fewest needs, as they were asked, that nothing on offer meets together."""
    withheld: tuple[Cell, ...]
    """Cells that would fit, if their publisher offered them on that day."""
    nearest: tuple[Alternative, ...]
    """Cells with the fewest changes, the best first."""
    catalog: str
    day: date
    note: str = ""
    """What the catalog says to those who need a system that it has not."""

    @property
    def message(self) -> str:
        """What is wrong, for people."""
        if not self.conflict:
            return f"the catalog {self.catalog} offers nothing as of {self.day}"
        together = " together" if len(self.conflict) > 1 else ""
        return f"nothing in the catalog {self.catalog} meets {_and(self.conflict)}{together}"

    def error(self) -> RefusedError:
        """The error that says so, and what to ask for instead."""
        offers = [f"{' and '.join(each.instead for each in one.changes)}: {one.cell.name}" for one in self.nearest]
        hint = "\n        ".join(["nearest, each with what it changes:", *offers]) if offers else "nothing comes near"
        more = [f"  the catalog says: {self.note}"] if self.note else []
        text = "\n".join([self.message, *map(_reason, self.withheld[:_MOST]), *more])
        return RefusedError("resolve.refused", text, hint=hint)


def refuse(catalog: Catalog, needs: Needs, asked: Sequence[Constraint], offered: Sequence[Cell], day: date) -> Refusal:
    """Say why nothing fits.

    Args:
        catalog: what is chosen from.
        needs: what was asked.
        asked: the same as constraints.
        offered: cells that can be had on that day, the best first; none of them meets every constraint.
        day: the day that is asked about.
    """
    on_offer = {cell.name for cell in offered}
    held_back = [cell for cell in catalog.cells if cell.name not in on_offer]
    conflict = _conflict(asked, offered)
    of_systems = any(each.kind is Kind.SYSTEM for each in conflict)
    return Refusal(
        conflict=tuple(each.asked for each in conflict), note=catalog.note if of_systems else "",
        withheld=tuple(cell for cell in held_back if all(each.fits(cell) for each in asked)),
        nearest=tuple(_nearest(needs, asked, offered)), catalog=catalog.name, day=day,
    )  # fmt: skip


def _conflict(asked: Sequence[Constraint], offered: Iterable[Cell]) -> tuple[Constraint, ...]:
    """The smallest set of constraints of which every cell breaks one; the first such set in the order of asking."""
    broken = {frozenset(_broken(asked, cell)) for cell in offered}
    for size in range(len(asked) + 1):
        for places in itertools.combinations(range(len(asked)), size):
            if not any(each.isdisjoint(places) for each in broken):
                return tuple(asked[place] for place in places)
    return tuple(asked)


def _nearest(needs: Needs, asked: Sequence[Constraint], offered: Sequence[Cell]) -> list[Alternative]:
    """Cells that break the fewest constraints, of those for which one could ask."""
    broken = {cell.name: _broken(asked, cell) for cell in offered}
    near = sorted(offered, key=lambda cell: [asked[place].kind.cost for place in broken[cell.name]])
    near.sort(key=lambda cell: -_alike(needs.system, cell))
    for count in sorted(set(map(len, broken.values()))):
        level = ((cell, broken[cell.name]) for cell in near if len(broken[cell.name]) == count)
        if found := _alternatives(needs, asked, level):
            return found[:_MOST]
    return []


def _alternatives(
    needs: Needs, asked: Sequence[Constraint], cells: Iterable[tuple[Cell, tuple[int, ...]]]
) -> list[Alternative]:
    """The first cell for each way to ask, and not too many that change the same needs."""
    found: dict[tuple[str, ...], Alternative] = {}
    alike: dict[tuple[int, ...], int] = {}
    for cell, places in cells:
        changes = tuple(change for place in places if (change := asked[place].change(cell)))
        said = tuple(change.instead for change in changes)
        if len(changes) < len(places) or said in found or alike.get(places, 0) == _MOST_ALIKE:
            continue
        alike[places] = alike.get(places, 0) + 1
        fields = {name: value for change in changes for name, value in change.fields.items()}
        found[said] = Alternative(cell, changes, replace(needs, **fields))
    return list(found.values())


def _broken(asked: Sequence[Constraint], cell: Cell) -> tuple[int, ...]:
    return tuple(place for place, each in enumerate(asked) if not each.fits(cell))


def _alike(asked: str, cell: Cell) -> int:
    """How many of the words that were asked for a system has."""
    own = {*words.words(cell.system.name), *words.words(cell.system.title), cell.system.family}
    return sum(words.among(word, own) for word in words.words(asked))


def _reason(cell: Cell) -> str:
    """Why a cell that would fit cannot be had."""
    remarks = cell.remarks
    if cell.support.buildable:
        dates = f"from {remarks.since or 'the beginning'} until {remarks.until or 'now'}"
        why = f"not offered on that day, only {dates}"
    else:
        why = cell.support.value
    return f"  {cell.name} is {why}" + (f" ({remarks.source})" if remarks.source else "")


def _and(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
