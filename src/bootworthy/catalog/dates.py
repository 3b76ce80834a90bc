"""Dates as people know them: a day, a month or a year; and what of a catalog holds on a day."""

from __future__ import annotations

import calendar
from dataclasses import replace
from datetime import date

from bootworthy.catalog.entries import Catalog, Cell, Machine, Remarks


def first_day(text: str) -> date:
    """The first day of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`."""
    year, month, day = [*map(int, text.split("-")), 1, 1][:3]
    return date(year, month, day)


def last_day(text: str) -> date:
    """The last day of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`: what is said of a year or month holds to its end."""
    parts = [int(part) for part in text.split("-")]
    year = parts[0]
    month = parts[1] if len(parts) > 1 else 12
    return date(year, month, parts[2] if len(parts) > 2 else calendar.monthrange(year, month)[1])


def holds(remarks: Remarks, day: date) -> bool:
    """Whether an entry holds on a day; `since` and `until` are inside."""
    begun = remarks.since is None or first_day(remarks.since) <= day
    return begun and (remarks.until is None or day <= last_day(remarks.until))


def in_force(cell: Cell, day: date) -> bool:
    """Whether row, system, kernel and machine of a cell all hold on a day."""
    parts = (cell.remarks, cell.system.remarks, cell.kernel.remarks, cell.machine.remarks)
    return all(holds(remarks, day) for remarks in parts)


def as_of(catalog: Catalog, day: date) -> Catalog:
    """What of a catalog holds on a day: its entries, and the cells whose row, system, kernel and machine do.

    Of a machine, the guest kernels that its makers support on that day are left.
    """
    machines = {name: _machine(each, day) for name, each in catalog.machines.items() if holds(each.remarks, day)}
    return replace(
        catalog,
        systems={name: each for name, each in catalog.systems.items() if holds(each.remarks, day)},
        kernels={name: each for name, each in catalog.kernels.items() if holds(each.remarks, day)},
        machines=machines,
        rows=tuple(row for row in catalog.rows if holds(row.remarks, day)),
        cells=tuple(
            replace(cell, machine=machines[cell.machine.name]) for cell in catalog.cells if in_force(cell, day)
        ),
    )


def _machine(machine: Machine, day: date) -> Machine:
    return replace(machine, guests=tuple(guest for guest in machine.guests if holds(guest.remarks, day)))
