"""Watch one boot: a state machine that is fed console bytes and times, and says how it ended. It does no I/O.

    launched ──"Linux version"──► kernel ──hello──► userspace ──report──► reported

From each stage: a kernel panic (then a short wait for what it still says), the end of the VMM, or the deadline.
Times are seconds from the launch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from bootworthy.errors import IntegrityError
from bootworthy.proofs import report as reports
from bootworthy.proofs.frames import Decoder, Message
from bootworthy.proofs.report import GuestReport
from bootworthy.vocabulary import Standing, Verdict

Judge = Callable[[GuestReport], list[str]]
"""Why a guest is not healthy; empty when it is."""

_KERNEL = b"Linux version "
_PANIC = re.compile(rb"Kernel panic - not syncing: ?([^\r]*)")
_INITRAMFS = re.compile(rb"bootworthy-initramfs: ([^\r]*)")
_NOISE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_c])|[\x00-\x08\x0b-\x1f\x7f]")
_AFTER_PANIC = 1.0
_LONGEST_LINE = 4096
_TAIL = 16384
_TAIL_LINES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds from the launch to what was seen; None for what was not."""

    kernel: float | None = None
    userspace: float | None = None
    healthy: float | None = None

    def as_json(self) -> dict[str, float]:
        """The times as programs read them, in milliseconds' precision, without what was not seen."""
        fields = {"kernel": self.kernel, "userspace": self.userspace, "healthy": self.healthy}
        return {name: round(value, 3) for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one boot went."""

    verdict: Verdict
    reached: Standing
    """`checked` when nothing was seen, else `started`, `booted` or `healthy`."""
    times: Times
    ending: str
    """How it ended, in words."""
    reasons: tuple[str, ...]
    """Why it is not healthy."""
    report: GuestReport | None
    last_lines: tuple[str, ...]
    """What the console showed last."""


class Watch:
    """One boot, watched."""

    def __init__(self, token: str, deadline: float, judge: Judge) -> None:
        self._decoder = Decoder(token)
        self._deadline = deadline
        self._judge = judge
        self._line = b""
        self._tail = b""
        self._kernel: float | None = None
        self._userspace: float | None = None
        self._reported: float | None = None
        self._report: GuestReport | None = None
        self._unreadable: str | None = None
        self._panic: str | None = None
        self._panicked_at = 0.0
        self._complaint: str | None = None
        self._ended: str | None = None
        self._interrupted = False
        self._late = False

    @property
    def stage(self) -> str:
        """How far it is, for people who wait."""
        if self._reported is not None:
            return "reported"
        if self._userspace is not None:
            return "userspace"
        return "kernel" if self._kernel is not None else "launched"

    @property
    def done(self) -> bool:
        """Whether there is nothing more to wait for."""
        return self._reported is not None or self._ended is not None or self._late or self._interrupted

    def feed(self, data: bytes, now: float) -> None:
        """Console bytes that came at `now`."""
        self._tail = (self._tail + data)[-_TAIL:]
        *lines, rest = (self._line + data).split(b"\n")
        for line in lines:
            self._read(line, now)
        self._line = rest[-_LONGEST_LINE:]
        for message in self._decoder.feed(data):
            self._hear(message, now)
        self.tick(now)

    def tick(self, now: float) -> None:
        """Time passed."""
        if self._panic is not None and now >= self._panicked_at + _AFTER_PANIC and not self.done:
            self._ended = "stopped after its panic"
        elif now >= self._deadline and not self.done:
            self._late = True

    def end(self, how: str) -> None:
        """The VMM ended; `how` in words."""
        self._read(self._line, 0.0)
        if not self.done:
            self._ended = how

    def interrupt(self) -> None:
        """Whoever waits does not want to any more."""
        self._interrupted = True

    def outcome(self) -> Outcome:
        """How it went, once it is `done`."""
        verdict, ending, reasons = self._verdict()
        healthy = verdict is Verdict.HEALTHY
        return Outcome(
            verdict=verdict,
            reached=Standing.HEALTHY if healthy else self._reached(),
            times=Times(
                kernel=self._kernel, userspace=self._userspace, healthy=self._reported if healthy else None
            ),
            ending=ending,
            reasons=() if healthy else tuple(reasons or [ending]),
            report=self._report,
            last_lines=self._last_lines(),
        )  # fmt: skip

    def _read(self, line: bytes, now: float) -> None:
        if self._kernel is None and _KERNEL in line:
            self._kernel = now
        if self._panic is None and (panic := _PANIC.search(line)):
            self._panic, self._panicked_at = _plain(panic[1]), now
        if self._complaint is None and (complaint := _INITRAMFS.search(line)):
            self._complaint = _plain(complaint[1])

    def _hear(self, message: Message, now: float) -> None:
        if self._userspace is None:
            self._userspace = now
        if message.kind != "report" or self._reported is not None:
            return
        self._reported = now
        try:
            self._report = reports.parse(message.data)
        except IntegrityError as error:
            self._unreadable = str(error)

    def _verdict(self) -> tuple[Verdict, str, list[str]]:
        if self._report is not None:
            reasons = self._judge(self._report)
            return (Verdict.UNHEALTHY if reasons else Verdict.HEALTHY), "ended by us after its report", reasons
        if self._unreadable is not None:
            return Verdict.UNHEALTHY, "ended by us after its report", [self._unreadable]
        why = [self._complaint] if self._complaint else []
        if self._interrupted:
            return Verdict.INTERRUPTED, f"interrupted; {self._where()}", []
        if self._panic is not None:
            return Verdict.PANICKED, f"kernel panic: {self._panic}", why
        if self._ended is not None:
            return Verdict.EXITED, f"{self._ended} before it reported; {self._where()}", why
        return Verdict.HUNG, f"no report within {self._deadline:g} s; {self._where()}", why

    def _where(self) -> str:
        return {
            "launched": "its kernel said nothing",
            "kernel": "its kernel came up, userspace did not say hello",
            "userspace": "userspace came up, its report did not come",
        }.get(self.stage, self.stage)

    def _reached(self) -> Standing:
        if self._userspace is not None:
            return Standing.BOOTED
        return Standing.STARTED if self._kernel is not None else Standing.CHECKED

    def _last_lines(self) -> tuple[str, ...]:
        lines = [_plain(line) for line in self._tail.split(b"\n")]
        return tuple(line for line in lines if line and "BWP1 " not in line)[-_TAIL_LINES:]


def _plain(line: bytes) -> str:
    """A console line without colours and control characters."""
    return _NOISE.sub("", line.decode(errors="replace")).strip()[:500]
