"""Bars on real pseudo-terminals, looked at through a screen of our own."""

from __future__ import annotations

import contextlib
import signal
import sys
import termios
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.cli import output
from bootworthy.cli.bars import Bars
from bootworthy.cli.gauge import plain
from tests.terminals import Screen, Terminal

MIB = 1 << 20


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextlib.contextmanager
def bars_on(terminal: Terminal, clock: Clock | None = None) -> Iterator[Bars]:
    """Bars that are drawn only by hand: their thread sleeps for a day."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bootworthy.cli.bars._PAUSE", 86400.0)
        with Bars(terminal.stream, clock or Clock()) as bars:
            yield bars


class TestDrawing:
    def test_several_tasks_are_drawn_in_place_and_then_cleared(self) -> None:
        clock = Clock()
        with Terminal(121) as terminal:
            terminal.stream.write("$ before\n")
            with bars_on(terminal, clock) as bars:
                with bars.task("one", 100 * MIB) as one, bars.task("second", None):
                    one.skip(50 * MIB)
                    one.advance(10 * MIB)
                    clock.now = 2
                    bars.draw()
                    assert [line.split() for line in terminal.show()] == [
                        ["$", "before"],
                        [
                            "one",
                            "═" * 15 + "━" * 3 + "─" * 12,
                            "60.0/100.0",
                            "MiB",
                            "5.0",
                            "MiB/s",
                            "0:08",
                            "left",
                            "50.0",
                            "MiB",
                            "was",
                            "there",
                        ],
                        ["second", "⠋", "0:02"],
                    ]
                    one.advance(40 * MIB)
                    clock.now = 4
                    bars.draw()
                    _, second, third = terminal.show()
                    assert "═" * 15 + "━" * 15 + "  " in second
                    assert "12.5 MiB/s" in second
                    assert third.split() == ["second", "⠋", "0:04"]
                bars.draw()
                assert terminal.show() == ["$ before"]
                with bars.task("third"):
                    bars.draw()
                    assert terminal.show() == ["$ before", "third  ⠋ 0:00"]
            assert terminal.show() == ["$ before"]
            assert (terminal.screen.row, terminal.screen.column, terminal.screen.wraps) == (1, 0, True)

    def test_nothing_is_drawn_for_work_that_ends_at_once(self) -> None:
        with Terminal() as terminal:
            with bars_on(terminal) as bars, bars.task("short"):
                pass
            terminal.show()
            assert terminal.raw == ""

    def test_the_thread_draws(self) -> None:
        with Terminal() as terminal, Bars(terminal.stream) as bars, bars.task("unpacking", 10) as task:
            terminal.wait(lambda: terminal.screen.lines[:1] != [])
            task.advance(5)
            terminal.wait(lambda: "5/10 B" in terminal.screen.lines[0])

    def test_notes_stand_above(self) -> None:
        with Terminal(60) as terminal:
            with bars_on(terminal) as bars, bars.task("work"):
                bars.note("before any drawing")
                bars.draw()
                bars.note("\x1b[2J\x1b[1mone\x1b[0m\n  two\r" + "x" * 70)
                shown = ["before any drawing", "one", "  two " + "x" * 54, "x" * 16]
                assert terminal.show() == [*shown, "work  ⠋ 0:00"]
            assert terminal.show() == shown

    def test_a_note_that_fills_its_line_is_whole(self) -> None:
        with Terminal(20) as terminal, bars_on(terminal) as bars, bars.task("work"):
            bars.draw()
            bars.note("y" * 20)
            bars.draw()
            assert terminal.show() == ["y" * 20, "work  ⠋ 0:00"]

    def test_a_title_cannot_do_anything_to_the_screen(self) -> None:
        with (
            Terminal(40) as terminal,
            bars_on(terminal) as bars,
            bars.task("\x1b[2J\x1b]0;t\x07evil\nline\x9b1A 系统" * 9),
        ):
            bars.draw()
            (line,) = terminal.show()
            assert line == "evil line 系…vil line 系统   ⠋ 0:00"

    def test_the_size_is_read_again(self) -> None:
        with Terminal(100, 24) as terminal, bars_on(terminal) as bars, contextlib.ExitStack() as tasks:
            for number in range(8):
                tasks.enter_context(bars.task(f"the task that is called {number}", 100))
            bars.draw()
            assert [len(line) > 50 for line in terminal.show()] == [True] * 8
            terminal.resize(30, 24)
            bars.draw()
            assert [len(line) < 30 for line in terminal.show()] == [True] * 8
            terminal.resize(30, 6)
            bars.draw()
            assert terminal.show()[-1] == "and 4 more"

    def test_a_terminal_that_does_not_tell_its_size(self) -> None:
        with Terminal(0, 0) as terminal, bars_on(terminal) as bars, bars.task("t" * 200):
            terminal.screen = Screen(80, 24)
            bars.draw()
            assert terminal.show() == ["t" * 33 + "…" + "t" * 33 + "  ⠋ 0:00"]

    def test_ascii_where_the_terminal_has_nothing_else(self) -> None:
        with Terminal(encoding="ascii") as terminal, bars_on(terminal) as bars, bars.task("系统", 4) as task:
            task.advance(1)
            bars.draw()
            bars.note("é")
            note, line = terminal.show()
            assert note == "?"
            assert line.startswith("??  #######----------------------")

    def test_results_and_logs_go_around_the_bars(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with Terminal() as terminal:
            for name in ("stdout", "stderr"):
                monkeypatch.setattr(sys, name, terminal.stream)
            with bars_on(terminal) as bars, bars.task("work"), output._around(bars):
                bars.draw()
                output.log("a log line\n  its hint")
                assert terminal.show() == ["a log line", "  its hint", "work  ⠋ 0:00"]
                output.result("a result")
                assert terminal.show() == ["a log line", "  its hint", "a result"]
                bars.draw()
                assert terminal.show() == ["a log line", "  its hint", "a result", "work  ⠋ 0:00"]
            output.log("after")
            assert terminal.show() == ["a log line", "  its hint", "a result", "after"]


class TestWhatGoesWrong:
    def test_a_terminal_that_is_gone_does_not_end_the_work(self) -> None:
        with Terminal() as terminal, bars_on(terminal) as bars, bars.task("work", 5) as task:
            bars.draw()
            terminal.hang_up()
            bars.draw()
            bars.note("nobody reads this")
            task.advance(5)

    def test_a_terminal_that_is_stopped_does_not_stop_the_work(self) -> None:
        with Terminal() as terminal, bars_on(terminal) as bars:
            worked = threading.Event()

            def work() -> None:
                with bars.task("work", 5) as task:
                    task.advance(5)
                worked.set()

            with bars.task("another"):
                termios.tcflow(terminal.stream.fileno(), termios.TCOOFF)
                drawing = threading.Thread(target=bars.draw, daemon=True)
                drawing.start()
                while not bars._screen.locked():
                    time.sleep(0.01)
                working = threading.Thread(target=work, daemon=True)
                working.start()
                try:
                    assert worked.wait(60)
                    assert drawing.is_alive()
                finally:
                    termios.tcflow(terminal.stream.fileno(), termios.TCOON)
                drawing.join()

    def test_an_exception_leaves_a_clean_screen(self) -> None:
        with Terminal() as terminal:
            with pytest.raises(ZeroDivisionError), bars_on(terminal) as bars, bars.task("work"):
                bars.draw()
                raise ZeroDivisionError
            assert terminal.show() == []
            assert terminal.screen.wraps

    def test_signals_are_as_before(self) -> None:
        before = signal.getsignal(signal.SIGCONT)
        with Terminal() as terminal, Bars(terminal.stream):
            assert signal.getsignal(signal.SIGCONT) != before
        assert signal.getsignal(signal.SIGCONT) == before


steps = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.text(max_size=30)),
        st.tuples(st.just("end"), st.integers(0, 9)),
        st.tuples(st.just("note"), st.text(max_size=90)),
        st.tuples(st.just("draw"), st.none()),
    ),
    max_size=30,
)


@given(steps, st.integers(4, 60), st.integers(2, 8))
@settings(max_examples=60)
def test_whatever_happens_only_the_notes_stay(done: list[tuple[str, object]], columns: int, rows: int) -> None:
    expected = Screen(columns, rows)
    with Terminal(columns, rows) as terminal:
        tasks: list[contextlib.ExitStack] = []
        with bars_on(terminal) as bars, contextlib.ExitStack() as rest:
            for what, value in done:
                if what == "begin":
                    stack = rest.enter_context(contextlib.ExitStack())
                    tasks.append(stack)
                    stack.enter_context(bars.task(str(value), 7))
                elif what == "end" and tasks:
                    tasks.pop(int(str(value)) % len(tasks)).close()
                elif what == "note":
                    bars.note(str(value))
                    for line in str(value).split("\n"):
                        expected.feed(plain(line) + "\r\n")
                else:
                    bars.draw()
                shown = terminal.show()
                assert shown[: len(expected.lines)] == expected.lines
                assert len(shown) <= expected.row + rows - 1
        assert terminal.show() == expected.lines
        assert (terminal.screen.row, terminal.screen.column) == (expected.row, 0)
