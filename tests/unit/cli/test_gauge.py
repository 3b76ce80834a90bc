from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.cli.gauge import ASCII, UNICODE, Gauge, lines, plain, span, title
from bootworthy.matrix._text import width

MIB = 1 << 20


def gauge(name: str, total: int | None, done: int = 0, skipped: int = 0, *, seconds: float = 2) -> Gauge:
    """A task that has done so much in so many seconds."""
    made = Gauge(name, total, 0.0)
    made.skip(skipped)
    made.advance(done)
    made.measure(seconds)
    return made


def test_a_line_has_title_bar_amount_rate_and_time_left() -> None:
    (line,) = lines([gauge("pulling", 100 * MIB, 20 * MIB)], 100, 9, 2.0)
    bar = "━" * 6 + "─" * 24
    assert line == f"pulling  {bar}   20.0/100.0 MiB   10.0 MiB/s   0:08 left"


def test_what_was_there_is_in_the_bar_and_not_in_the_rate() -> None:
    (line,) = lines([gauge("pulling", 100 * MIB, 20 * MIB, 50 * MIB)], 120, 9, 2.0)
    bar = "═" * 15 + "━" * 6 + "─" * 9
    assert line == f"pulling  {bar}   70.0/100.0 MiB   10.0 MiB/s   0:03 left  50.0 MiB was there"


@pytest.mark.parametrize(
    ("done", "total", "amount"),
    [
        (7, 10, "7/10 B"),
        (900, 1024, "1/1 KiB"),
        (MIB, 3 << 30, "0.0/3.0 GiB"),
        (9, 5, "5/5 B"),
        (1, MIB, "0.0/1.0 MiB"),
    ],
)
def test_amounts_are_in_the_unit_of_the_whole(done: int, total: int, amount: str) -> None:
    assert f"  {amount}  " in lines([gauge("x", total, done)], 100, 9, 2.0)[0]


def test_without_a_total_there_is_a_spinner_and_the_time_it_took() -> None:
    task = gauge("booting", None)
    assert lines([task], 80, 9, 61.0) == ["booting  ⠋ 1:01"]
    assert lines([task], 80, 9, 61.3) == ["booting  ⠸ 1:01"]
    task.advance(3 * MIB)
    task.measure(3.0)
    assert lines([task], 80, 9, 3.0, ASCII)[0].split() == ["booting", "-", "0:03", "3.0", "MiB", "1.0", "MiB/s"]


def test_columns_stand_below_each_other() -> None:
    shown = lines([gauge("a", MIB, MIB // 2), gauge("much longer", 1 << 40, 1 << 30), gauge("系统", 7, 3)], 100, 9, 2.0)
    assert {width(line[: line.index("left")]) for line in shown} == {width(shown[0]) - 4}


def test_in_80_columns_everything_fits() -> None:
    task = gauge("a long title of some image:that-has-a-tag", 1000 * MIB, 900 * MIB, seconds=0.7)
    (line,) = lines([task], 79, 9, 2.0)
    assert line == "a long titl…t-has-a-tag  ━━━━━━━━━─   900.0/1000.0 MiB    1.3 GiB/s   0:00 left"
    assert width(line) == 79


@pytest.mark.parametrize(("columns", "last"), [(78, "0:00 left"), (64, "900.0/1000.0 MiB"), (50, "─"), (30, "g")])
def test_what_does_not_fit_is_left_out(columns: int, last: str) -> None:
    (line,) = lines([gauge("a long title of some thing", 1000 * MIB, 900 * MIB, seconds=0.7)], columns, 9, 2.0)
    assert line.endswith(last)
    assert line.startswith("a long title")


def test_a_spinner_leaves_the_line_to_the_title() -> None:
    assert lines([gauge("t" * 60, None)], 79, 9, 2.0) == ["t" * 60 + "  ⠋ 0:02"]


def test_too_many_tasks_are_counted() -> None:
    tasks = [gauge(f"task {number}", 10) for number in range(7)]
    shown = lines(tasks, 80, 4, 2.0)
    assert [line[:6] for line in shown] == ["task 0", "task 1", "task 2", "and 4 "]
    assert lines(tasks, 80, 1, 2.0) == ["and 7 more"]
    assert len(lines(tasks, 80, 7, 2.0)) == 7


@pytest.mark.parametrize(
    ("done", "bar"),
    [(0, "----------"), (99, "#########-"), (100, "##########"), (250, "##########"), (-7, "----------")],
)
def test_a_bar_is_full_when_it_is_done_and_not_before(done: int, bar: str) -> None:
    assert lines([gauge("x", 100, done)], 13, 9, 2.0, ASCII) == [f"x  {bar}"]


def test_the_rate_is_that_of_the_last_seconds() -> None:
    task = Gauge("x", 10_000, 0.0)
    for second in range(1, 21):
        task.advance(100 if second <= 10 else 500)
        task.measure(float(second))
    assert task.rate == 500
    assert task.left == (10_000 - 6000) / 500
    for second in range(21, 31):
        task.measure(float(second))
    assert task.rate == 0
    assert task.left is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9, "0:00"), (61, "1:01"), (3599, "59:59"), (3600, "1:00:00"), (86399, "23:59:59"), (86400, "1 day"),
     (10 * 86400, "10 days")],
)  # fmt: skip
def test_times(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("\x1b]0;title of the window\x07x", "x"),
        ("\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jx", "x"),
        ("a\x1b7b\x1bcc", "abc"),
        ("one\r\ntwo\tthree", "one two three"),
        ("\x1b[", ""),
        ("back\b\x7f\u202e", "back"),
    ],
)
def test_escape_sequences_go_whole(text: str, left: str) -> None:
    assert title(text) == left


@given(st.text(st.sampled_from("\x1b[]0;7mAJK\x07\\\x9b\x9d \n\r\tx系")))
def test_no_control_character_is_left(text: str) -> None:
    for cleaned in (plain(text), title(text)):
        assert not [char for char in cleaned if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


amounts = st.integers(0, 1 << 50)
gauges = st.builds(
    gauge, st.text(), st.none() | amounts, amounts, amounts, seconds=st.floats(0, 1e9, allow_nan=False)
)  # fmt: skip


@given(st.lists(gauges, max_size=5), st.integers(1, 200), st.integers(1, 6), st.booleans())
def test_lines_fit(tasks: list[Gauge], columns: int, rows: int, ascii_only: bool) -> None:
    shown = lines(tasks, columns, rows, 3.0, ASCII if ascii_only else UNICODE)
    assert len(shown) == min(len(tasks), rows)
    assert all(width(line) <= columns for line in shown)
