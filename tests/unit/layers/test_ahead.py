import threading
from collections.abc import Iterator

import pytest

from bootworthy.layers.ahead import ahead, behind


def running() -> int:
    return sum(thread.name in {"ahead", "behind"} for thread in threading.enumerate())


def test_pieces_come_in_order_and_the_thread_ends() -> None:
    wanted = [b"%d" % number for number in range(1000)]
    with ahead(iter(wanted)) as pieces:
        assert list(pieces) == wanted
    assert not running()


def test_nothing_gives_nothing() -> None:
    none: list[bytes] = []
    with ahead(none) as pieces:
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


def test_what_is_put_is_done_in_order_before_the_block_ends() -> None:
    done: list[int] = []
    with behind(done.append) as put:
        for number in range(1000):
            put(number)
    assert done == list(range(1000))
    assert not running()


def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    done: list[int] = []

    def work(number: int) -> None:
        gate.wait()
        done.append(number)

    monkeypatch.setattr("bootworthy.layers.ahead._DEPTH", 2)
    with behind(work) as put:
        put(1)
        put(2)
        put(3)
        waiting = threading.Thread(target=put, args=(4,), daemon=True)
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
        gate.set()
        waiting.join()
    assert done == [1, 2, 3, 4]


@pytest.mark.parametrize("after", [0, 3])
def test_an_error_of_the_work_is_raised_where_it_is_put_or_at_the_end(after: int) -> None:
    error = OSError(28, "full")

    def work(number: int) -> None:
        if number == after:
            raise error

    with pytest.raises(OSError, match="full") as caught, behind(work) as put:
        for number in range(100 if after else 1):
            put(number)
    assert caught.value is error
    assert not running()


def test_an_error_of_the_block_drops_what_waits() -> None:
    gate = threading.Event()
    done: list[int] = []

    def work(number: int) -> None:
        gate.wait()
        done.append(number)

    with pytest.raises(ZeroDivisionError), behind(work) as put:
        for number in range(5):
            put(number)
        threading.Timer(0.05, gate.set).start()
        raise ZeroDivisionError
    assert len(done) <= 2
    assert not running()
