from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.cli.text import parse_size, size, table


@pytest.mark.parametrize(
    ("text", "count"),
    [("4096", 4096), ("1K", 1024), ("512M", 512 << 20), ("10GiB", 10 << 30), ("1.5G", 3 << 29), ("0", 0)],
)
def test_sizes_are_binary(text: str, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "x", "-1", "1.00001", "10Q", "nan", "inf", "1e400"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        parse_size(text)


@given(st.integers(0, 2**40))
def test_a_shown_size_is_near(count: int) -> None:
    number, unit = size(count).split()
    factor = 1024 ** ["B", "KiB", "MiB", "GiB", "TiB"].index(unit)
    assert abs(float(number) * factor - count) <= factor / 2


def test_columns_line_up() -> None:
    assert table(("A", "LONGER"), [("xyz", "1"), ("", "2")]) == "A    LONGER\nxyz  1\n     2"
    assert table(("A", "B"), []) == "A  B"
