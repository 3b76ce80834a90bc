from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy import catalog as catalogs
from bootworthy.catalog.dates import as_of, first_day, holds, last_day
from bootworthy.catalog.entries import Catalog, Remarks

CATALOG = """
bootworthy: 1
name: example
systems:
  old: {until: "2023-06", images: {root: "registry.example/old:1"}}
  new: {since: "2023-06-15", images: {root: "registry.example/new:1"}}
kernels:
  k: {release: 5.10.1, images: {kernel: "registry.example/k:1"}}
machines:
  always:
    vmm: firecracker
    arch: x86_64
    guests: [{series: "5.10", until: "2022"}, {series: "6.1", since: "2023"}]
  later: {vmm: firecracker, arch: x86_64, since: "2024"}
matrix:
  - {systems: ["*"], kernels: [k], machines: [always], support: supported}
  - {systems: [new], kernels: [k], machines: [later], support: planned, until: "2025-01-31"}
"""
DAYS = st.dates(date(1000, 1, 1), date(9999, 12, 30))


def loaded() -> Catalog:
    return catalogs.load_text(CATALOG, "example.yaml")


@pytest.mark.parametrize(
    ("day", "cells"),
    [
        (date(2022, 12, 31), ["old/k/always"]),
        (date(2023, 6, 20), ["old/k/always", "new/k/always"]),
        (date(2023, 7, 1), ["new/k/always"]),
        (date(2024, 1, 1), ["new/k/always", "new/k/later"]),
        (date(2025, 2, 1), ["new/k/always"]),
    ],
)
def test_what_holds_on_a_day(day: date, cells: list[str]) -> None:
    found = as_of(loaded(), day)
    assert [cell.name for cell in found.cells] == cells
    assert {cell.system.name for cell in found.cells} == set(found.systems)
    assert ("later" in found.machines) == (day.year >= 2024)
    assert len(found.rows) == 2 - (day > date(2025, 1, 31))


@pytest.mark.parametrize(("day", "series"), [(date(2022, 12, 31), ["5.10"]), (date(2023, 1, 1), ["6.1"])])
def test_guests_of_a_day_reach_the_cells(day: date, series: list[str]) -> None:
    (cell,) = [cell for cell in as_of(loaded(), day).cells if cell.system.name == "old"]
    assert [guest.series for guest in cell.machine.guests] == series


@given(DAYS, DAYS, DAYS)
def test_both_ends_are_inside(one: date, two: date, day: date) -> None:
    since, until = sorted([one, two])
    assert holds(Remarks(since=since.isoformat(), until=until.isoformat()), day) == (since <= day <= until)
    assert holds(Remarks(), day)


@given(DAYS)
def test_a_month_and_a_year_count_as_a_whole(day: date) -> None:
    for text in (day.isoformat(), f"{day:%Y-%m}", f"{day:%Y}"):
        assert first_day(text) <= day <= last_day(text)
        assert holds(Remarks(since=text, until=text), day)
