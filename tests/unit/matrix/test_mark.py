import pytest

from bootworthy.matrix.mark import Mark
from bootworthy.vocabulary import Standing, Support


@pytest.mark.parametrize("standing", Standing)
def test_what_can_be_built_shows_what_was_seen(standing: Standing) -> None:
    assert Mark.of(Support.EXPERIMENTAL, standing).value == standing.value


@pytest.mark.parametrize("support", [Support.PLANNED, Support.UNAVAILABLE])
@pytest.mark.parametrize("standing", Standing)
def test_what_cannot_be_built_shows_the_promise(support: Support, standing: Standing) -> None:
    assert Mark.of(support, standing).value == support.value


@pytest.mark.parametrize("ascii_only", [False, True])
def test_every_mark_has_a_symbol_of_its_own(ascii_only: bool) -> None:
    symbols = [mark.symbol(ascii_only=ascii_only) for mark in Mark]
    symbols.append(Mark.HEALTHY.symbol(emulated=True, ascii_only=ascii_only))
    assert len(set(symbols)) == len(Mark) + 1
    assert all(len(symbol) == 1 and symbol.isascii() is ascii_only for symbol in symbols if symbol != "·")


def test_every_mark_says_what_it_means() -> None:
    assert len({mark.meaning for mark in Mark}) == len(Mark)
