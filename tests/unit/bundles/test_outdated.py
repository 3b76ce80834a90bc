from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.bundles.outdated import lives
from bootworthy.catalog.dates import last_day
from tests import shelves


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2028", date(2028, 12, 31)), ("2028-02", date(2028, 2, 29)), ("2027-02", date(2027, 2, 28)),
        ("2028-06-30", date(2028, 6, 30)), ("2028-12", date(2028, 12, 31)),
    ],
)  # fmt: skip
def test_what_is_said_holds_to_its_last_day(text: str, day: date) -> None:
    assert last_day(text) == day


@given(st.dates())
def test_a_month_ends_before_the_next_begins(day: date) -> None:
    end = last_day(f"{day:%Y-%m}")
    assert end >= day
    assert end == date.max or (end + timedelta(1)).day == 1


def test_systems_and_kernels() -> None:
    cells = shelves.catalog().cells
    soon, late = lives(cells, date(2026, 12, 31))
    assert (soon.kind, soon.name, soon.days, soon.over) == ("kernel", "k1", 0, False)
    assert (late.kind, late.name, late.source) == ("system", "one", "https://one.example")
    assert soon.cells == late.cells == (shelves.MICRO, shelves.FIRE)
    assert [life.over for life in lives(cells, date(2027, 1, 1))] == [True, False]
    assert [life.over for life in lives(cells, date(2028, 7, 1))] == [True, True]


def test_what_nobody_knows_is_not_outdated() -> None:
    text = shelves.text().replace('    end-of-life: "2026"\n', "")
    found = lives(shelves.read(text).cells, date(9999, 1, 1))
    assert [(life.name, life.days is None, life.over) for life in found] == [("one", False, True), ("k1", True, False)]
    assert found[1].as_json()["end-of-life"] is None
