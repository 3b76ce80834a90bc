"""Tasks in progress as lines of text: title, bar, amount, rate and time left, as many of them as fit."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bootworthy.cli.text import parse_size, size
from bootworthy.matrix._text import clean, harmless, pad, width

Clock = Callable[[], float]
"""Seconds since some time, as `time.monotonic`."""

_WINDOW = 5.0
"""Seconds over which a rate is measured."""
_TITLE = 23
"""Columns that a title keeps before something else is left out."""
_GAP = 2
_BAR, _LONGEST_BAR = 10, 30
_RATE, _LEFT = 11, 10
_DAY = 86400
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)|\x1b[ -/]*[0-~]"
)
"""An escape sequence of ECMA-48, whole: what stays of it without its control characters would be read as text."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """What bars are drawn with."""

    there: str
    done: str
    todo: str
    spinner: str
    cut: str


UNICODE = Symbols("═", "━", "─", "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "…")
ASCII = Symbols("=", "#", "-", "|/-\\", "~")


@dataclass(slots=True, eq=False)
class Gauge:
    """How far one task is. It is advanced by whoever works, in any thread; only one thread measures and shows it."""

    title: str
    total: int | None
    began: float
    """In seconds, by the clock that `measure` is given too."""
    worked: int = 0
    skipped: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _samples: deque[tuple[float, int]] = field(default_factory=deque, init=False, repr=False)

    def __post_init__(self) -> None:
        self._samples.append((self.began, 0))

    @property
    def done(self) -> int:
        """What needs no more work, in units: what was worked on and what was there already."""
        return self.worked + self.skipped

    def advance(self, amount: int) -> None:
        """So many more units are done."""
        with self._lock:
            self.worked += amount

    def skip(self, amount: int) -> None:
        """So many units were there already; they say nothing about the rate."""
        with self._lock:
            self.skipped += amount

    def measure(self, now: float) -> None:
        """Remember how far it is now; rates are over the last few seconds."""
        self._samples.append((now, self.worked))
        while len(self._samples) > 2 and self._samples[1][0] <= now - _WINDOW:
            self._samples.popleft()

    @property
    def rate(self) -> float:
        """Units a second, over the last few seconds; 0 while nobody knows."""
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        return max(0.0, (last - first) / (ended - began)) if ended > began else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until it is done, if it goes on so."""
        if self.total is None or not self.rate:
            return None
        return max(0, self.total - self.done) / self.rate


def plain(text: str) -> str:
    """The text without escape sequences and control characters, in one line."""
    return harmless(_SEQUENCE.sub("", text))


def title(text: str) -> str:
    """A title as it is shown: `plain`, and each run of spaces as one."""
    return clean(_SEQUENCE.sub("", text))


def lines(gauges: Sequence[Gauge], columns: int, rows: int, now: float, symbols: Symbols = UNICODE) -> list[str]:
    """One line a task, of at most so many columns; where there are too many, the last says how many more.

    Args:
        gauges: the tasks, in the order in which they are shown.
        columns: width of a line.
        rows: how many lines there may be, 1 at least.
        now: seconds, by the clock of the gauges.
        symbols: what bars are made of.
    """
    shown = gauges if len(gauges) <= rows else gauges[: rows - 1]
    titles = [title(each.title) for each in shown]
    layout = _Layout.of(shown, max(map(width, titles), default=0), columns)
    made = [
        pad(_shortened(text, layout.title, symbols), layout.title) + layout.rest(each, now, symbols)
        for text, each in zip(titles, shown, strict=True)
    ]
    if len(shown) < len(gauges):
        made.append(f"and {len(gauges) - len(shown)} more")
    return [_cut(line.rstrip(), columns, symbols) for line in made]


def span(seconds: float) -> str:
    """A time as people read it on a clock: `0:07`, `1:02:03`, `3 days`."""
    whole = int(seconds)
    if whole >= _DAY:
        return f"{whole // _DAY} days" if whole >= 2 * _DAY else "1 day"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@dataclass(frozen=True, slots=True)
class _Layout:
    """How many columns each part of a line has; a part that has none is left out."""

    title: int
    bar: int = 0
    amount: int = 0
    rate: int = 0
    left: int = 0
    there: int = 0

    @classmethod
    def of(cls, gauges: Sequence[Gauge], longest: int, columns: int) -> _Layout:
        """Parts that fit beside a title, the most useful first; what room is left: the title's, then the bar's."""
        wanted = {
            "bar": _BAR,
            "amount": max((len(_amount(each, most=True)) for each in gauges), default=0),
            "left": max((len(_left(each)) for each in gauges), default=0),
            "rate": max((len(_rate(each)) for each in gauges), default=0),
            "there": max((len(_there(each)) for each in gauges), default=0),
        }
        least = min(longest, _TITLE)
        room = columns - least
        taken: dict[str, int] = {}
        for name, wide in wanted.items():
            if room < wide + _GAP:
                break
            if wide:
                taken[name] = wide
                room -= wide + _GAP
        more = max(0, min(longest - least, room))
        if "bar" in taken:
            taken["bar"] += max(0, min(room - more, _LONGEST_BAR - _BAR))
        return cls(least + more, **taken)

    def rest(self, gauge: Gauge, now: float, symbols: Symbols) -> str:
        """What stands behind the title."""
        parts = [
            (self.bar, _bar(gauge, self.bar, symbols) if gauge.total else _spinner(gauge, now, symbols)),
            (self.amount, _amount(gauge).rjust(self.amount)),
            (self.rate, _rate(gauge).rjust(self.rate)),
            (self.left, _left(gauge).rjust(self.left)),
            (self.there, _there(gauge).rjust(self.there)),
        ]
        return "".join(" " * _GAP + pad(text, wide) for wide, text in parts if wide)


def _amount(gauge: Gauge, *, most: bool = False) -> str:
    """What is done of what, in the unit of the whole, so that it never gets wider than at its `most`."""
    if not gauge.total:
        return size(gauge.done) if gauge.done else ""
    whole = size(gauge.total)
    unit = whole.partition(" ")[2]
    done = gauge.total if most else max(0, min(gauge.done, gauge.total))
    return f"{done / parse_size(f'1{unit}'):.{int('.' in whole)}f}/{whole}"


def _rate(gauge: Gauge) -> str:
    return (f"{size(gauge.rate)}/s" if gauge.rate else "").rjust(_RATE) if gauge.total or gauge.done else ""


def _left(gauge: Gauge) -> str:
    return ("" if gauge.left is None else f"{span(gauge.left)} left").rjust(_LEFT) if gauge.total else ""


def _there(gauge: Gauge) -> str:
    return f"{size(gauge.skipped)} was there" if gauge.skipped else ""


def _spinner(gauge: Gauge, now: float, symbols: Symbols) -> str:
    past = max(0.0, now - gauge.began)
    return f"{symbols.spinner[int(past * 10) % len(symbols.spinner)]} {span(past)}"


def _bar(gauge: Gauge, columns: int, symbols: Symbols) -> str:
    assert gauge.total
    there = columns * min(gauge.skipped, gauge.total) // gauge.total
    done = columns * max(0, min(gauge.done, gauge.total)) // gauge.total - there
    return symbols.there * there + symbols.done * done + symbols.todo * (columns - there - done)


def _shortened(text: str, columns: int, symbols: Symbols) -> str:
    """A title without its middle: its beginning says what is done, its end to what."""
    if width(text) <= columns or columns < _TITLE:
        return _cut(text, columns, symbols)
    tail = text
    while width(tail) > columns // 2:
        tail = tail[1:]
    return _cut(text, columns - width(tail), symbols) + tail


def _cut(text: str, columns: int, symbols: Symbols) -> str:
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return text + symbols.cut if columns > 0 else ""
