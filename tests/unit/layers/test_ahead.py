import threading
from collections.abc import Iterator

import pytest

from bootworthy.layers.ahead import ahead


def running() -> int:
    return sum(thread.name == "ahead" for thread in threading.enumerate())


def test_pieces_come_in_order_and_the_thread_ends() -> None:
    wanted = [b"%d" % number for number in range(1000)]
    with ahead(iter(wanted)) as pieces:
        assert list(pieces) == wanted
    assert not running()


def test_nothing_gives_nothing() -> None:
    with ahead([]) as pieces:
        assert list(pieces) == []


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), MemoryError()])
def test_an_error_comes_where_its_piece_would_have_come(error: BaseException) -> None:
    def failing() -> Iterator[bytes]:
        yield b"one"
        yield b"two"
        raise error

    seen: list[bytes] = []
    with pytest.raises(type(error)) as caught, ahead(failing()) as pieces:
        seen.extend(pieces)
    assert caught.value is error
    assert seen == [b"one", b"two"]
    assert not running()


def test_who_stops_early_stops_what_works_ahead() -> None:
    made = 0

    def endless() -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x"

    with ahead(endless()) as pieces:
        assert next(pieces) == b"x"
    assert not running()
    assert made < 100  # a few pieces wait, never all


def test_an_error_of_the_reader_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError), ahead(iter([b"x"] * 100)) as pieces:
        next(pieces)
        raise ZeroDivisionError
    assert not running()
