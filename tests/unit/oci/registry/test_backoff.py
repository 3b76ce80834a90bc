from __future__ import annotations

import itertools

import pytest

from bootworthy.oci.registry.backoff import Limits, Pauses, retry_after

NOW = 1_700_000_000.0


def all_pauses(limits: Limits, tries: int, asked: float | None = None) -> list[float]:
    pauses = Pauses(limits)
    made = list(itertools.takewhile(lambda pause: pause is not None, (pauses.next(tries, asked) for _ in range(100))))
    assert pauses.sent == len(made) + 1
    return [pause for pause in made if pause is not None]


def test_each_pause_is_twice_the_one_before() -> None:
    assert all_pauses(Limits(), 6) == [0.5, 1, 2, 4, 8]
    assert all_pauses(Limits(), 1) == []


def test_no_pause_is_longer_than_the_longest_and_all_together_have_an_end() -> None:
    assert all_pauses(Limits(longest=3), 6) == [0.5, 1, 2, 3, 3]
    assert all_pauses(Limits(), 6, asked=3600) == [60, 60, 60]
    assert all_pauses(Limits(total=5), 6, asked=2) == [2, 2]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None), ("", None), ("soon", None), ("-5", None), ("1.5", None), ("0", 0), ("7", 7), (" 120 ", 120),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30), ("Tue, 14 Nov 2023 22:13:10 GMT", 0),
        ("Tue, 99 Nov 2023 22:13:10 GMT", None), ("9" * 40, None),
    ],
)  # fmt: skip
def test_retry_after_is_read(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOW) == seconds
