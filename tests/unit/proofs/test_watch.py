from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.proofs.frames import encode
from bootworthy.proofs.watch import Watch
from bootworthy.vocabulary import Standing, Verdict
from tests.reports import report_bytes

TOKEN = "0123456789abcdef"
KERNEL = b"[    0.000000] Linux version 6.1.0 (x@y) #1 SMP\r\n"
HELLO = encode(TOKEN, "hello", b'{"schema":"bootworthy.hello/1"}')
REPORT = encode(TOKEN, "report", report_bytes())


def watch(*reasons: str) -> Watch:
    return Watch(TOKEN, 60.0, lambda report: list(reasons))


def test_a_healthy_boot_has_all_its_times() -> None:
    boot = watch()
    boot.feed(KERNEL, 0.5)
    assert boot.stage == "kernel"
    boot.feed(HELLO, 4.0)
    assert boot.stage == "userspace"
    assert not boot.done
    boot.feed(REPORT, 9.0)
    assert boot.done
    outcome = boot.outcome()
    assert (outcome.verdict, outcome.reached) == (Verdict.HEALTHY, Standing.HEALTHY)
    assert outcome.times.as_json() == {"kernel": 0.5, "userspace": 4.0, "healthy": 9.0}
    assert outcome.reasons == ()
    assert outcome.report is not None


def test_a_boot_that_is_not_healthy_has_reasons_and_no_healthy_time() -> None:
    boot = watch("the unit a failed")
    boot.feed(KERNEL + HELLO + REPORT, 1.0)
    outcome = boot.outcome()
    assert (outcome.verdict, outcome.reached) == (Verdict.UNHEALTHY, Standing.BOOTED)
    assert outcome.reasons == ("the unit a failed",)
    assert outcome.times.healthy is None


def test_a_report_that_cannot_be_read_is_not_healthy() -> None:
    boot = watch()
    boot.feed(KERNEL + encode(TOKEN, "report", b"{}"), 1.0)
    outcome = boot.outcome()
    assert outcome.verdict is Verdict.UNHEALTHY
    assert "schema" in outcome.reasons[0]


def test_a_panic_is_given_a_moment_and_then_is_the_verdict() -> None:
    boot = watch()
    boot.feed(KERNEL + b"[    1.0] Kernel panic - not syncing: VFS: no root\r\n", 2.0)
    assert not boot.done
    boot.feed(b"[    1.1] CPU: 0 PID: 1\r\n", 2.5)
    boot.tick(3.5)
    assert boot.done
    outcome = boot.outcome()
    assert (outcome.verdict, outcome.reached) == (Verdict.PANICKED, Standing.STARTED)
    assert outcome.ending == "kernel panic: VFS: no root"
    assert outcome.last_lines[-1] == "[    1.1] CPU: 0 PID: 1"


def test_a_vmm_that_ends_after_a_panic_still_panicked() -> None:
    boot = watch()
    boot.feed(KERNEL + b"Kernel panic - not syncing: x", 2.0)
    boot.end("the guest restarted")
    assert boot.outcome().verdict is Verdict.PANICKED


def test_what_our_initramfs_says_is_the_reason() -> None:
    boot = watch()
    boot.feed(KERNEL + b"bootworthy-initramfs: no volume is labelled root\r\n", 1.0)
    boot.feed(b"[    1.0] Kernel panic - not syncing: Attempted to kill init!\r\n", 1.0)
    boot.tick(10.0)
    outcome = boot.outcome()
    assert outcome.verdict is Verdict.PANICKED
    assert outcome.reasons == ("no volume is labelled root",)


@pytest.mark.parametrize(
    ("console", "reached", "words"),
    [
        (b"", Standing.CHECKED, "its kernel said nothing"),
        (KERNEL, Standing.STARTED, "userspace did not say hello"),
        (KERNEL + HELLO, Standing.BOOTED, "its report did not come"),
    ],
)
def test_the_deadline_says_how_far_it_came(console: bytes, reached: Standing, words: str) -> None:
    boot = watch()
    boot.feed(console, 1.0)
    boot.tick(59.9)
    assert not boot.done
    boot.tick(60.0)
    outcome = boot.outcome()
    assert (outcome.verdict, outcome.reached) == (Verdict.HUNG, reached)
    assert "60 s" in outcome.ending
    assert words in outcome.ending


def test_a_guest_that_talks_without_end_is_late_too() -> None:
    boot = watch()
    boot.feed(b"y\n" * 1000, 61.0)
    assert boot.outcome().verdict is Verdict.HUNG


def test_an_exit_and_an_interruption() -> None:
    boot = watch()
    boot.feed(KERNEL, 1.0)
    boot.end("the guest switched itself off")
    assert boot.outcome().verdict is Verdict.EXITED
    assert "switched itself off" in boot.outcome().ending
    boot = watch()
    boot.interrupt()
    assert boot.done
    assert boot.outcome().verdict is Verdict.INTERRUPTED


def test_a_report_counts_though_the_vmm_ended_right_after_it() -> None:
    boot = watch()
    boot.feed(KERNEL + HELLO + REPORT, 1.0)
    boot.end("the guest switched itself off")
    assert boot.outcome().verdict is Verdict.HEALTHY


def test_last_lines_are_plain_and_without_frames() -> None:
    boot = watch()
    boot.feed(b"\x1b[0;32m  OK  \x1b[0m] Started \x07x\r\n" + HELLO, 1.0)
    boot.interrupt()
    assert boot.outcome().last_lines == ("OK  ] Started x",)


@given(st.lists(st.binary(max_size=200), max_size=20))
def test_any_console_ends_in_a_verdict(pieces: list[bytes]) -> None:
    boot = watch()
    for number, piece in enumerate(pieces):
        boot.feed(piece, float(number))
    boot.tick(60.0)
    assert boot.done
    assert boot.outcome().verdict in {Verdict.HUNG, Verdict.PANICKED}


@given(st.integers(0, len(KERNEL + HELLO + REPORT)))
def test_where_the_console_is_cut_does_not_matter(cut: int) -> None:
    console = KERNEL + HELLO + REPORT
    boot = watch()
    boot.feed(console[:cut], 1.0)
    boot.feed(console[cut:], 2.0)
    assert boot.outcome().verdict is Verdict.HEALTHY
