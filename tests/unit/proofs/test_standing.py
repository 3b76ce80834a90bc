from __future__ import annotations

from datetime import timedelta

import pytest

from bootworthy.catalog.versions import VersionRange
from bootworthy.oci.canonical import canonical_json
from bootworthy.proofs.evidence import Evidence, parse
from bootworthy.proofs.standing import Expected, Status, status
from bootworthy.vocabulary import Standing
from tests.reports import DIGEST, OTHER, START, evidence

NOW = START + timedelta(days=10)
EXPECTED = Expected(
    vmm="qemu-microvm", images={"root": DIGEST, "kernel": DIGEST}, plan=DIGEST, probe=DIGEST, catalog_entry=DIGEST
)


def proof(hours: float = 0, **changes: object) -> Evidence:
    return parse(canonical_json(evidence(hours, **changes)), "here")


def of(*proofs: Evidence, expected: Expected = EXPECTED) -> Status:
    return status(expected, proofs, NOW)


def test_nothing_seen() -> None:
    assert of().standing is Standing.DECLARED
    assert of(expected=Expected(vmm="qemu-microvm", checked=True)).standing is Standing.CHECKED


def test_a_healthy_proof_is_a_healthy_cell() -> None:
    found = of(proof())
    assert (found.standing, found.healthy, found.total, found.reasons) == (Standing.HEALTHY, 1, 1, ())


@pytest.mark.parametrize(
    ("verdict", "reached", "standing"),
    [
        ("unhealthy", "booted", Standing.BOOTED),
        ("hung", "booted", Standing.BOOTED),
        ("hung", "started", Standing.STARTED),
        ("hung", "checked", Standing.FAILED),
        ("panicked", "booted", Standing.FAILED),
        ("exited", "started", Standing.FAILED),
    ],
)
def test_the_newest_attempt_decides(verdict: str, reached: str, standing: Standing) -> None:
    found = of(proof(2, verdict=verdict, reached=reached, reasons=["why"]), proof(1))
    assert (found.standing, found.healthy, found.total, found.reasons) == (standing, 1, 2, ("why",))
    assert of(proof(1, verdict=verdict, reached=reached), proof(2)).standing is Standing.HEALTHY


def test_an_interrupted_attempt_does_not_count() -> None:
    found = of(proof(1), proof(2, verdict="interrupted", reached="started"))
    assert (found.standing, found.total) == (Standing.HEALTHY, 1)
    assert of(proof(2, verdict="interrupted")).standing is Standing.DECLARED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"digests__images": {"root": OTHER, "kernel": DIGEST}}, "the root image is another one now"),
        ({"digests__images": {"root": DIGEST}}, "the kernel image is another one now"),
        ({"digests__images": {"root": DIGEST, "kernel": DIGEST, "initrd": DIGEST}}, "the initrd image is another"),
        ({"digests__plan": OTHER}, "the launch plan is another one now"),
        ({"digests__probe": OTHER}, "the probe is another one now"),
        ({"digests__catalog_entry": None}, "the catalog entry is another one now"),
    ],
)
def test_what_changed_makes_it_stale(changes: dict[str, object], reason: str) -> None:
    found = of(proof(**changes))  # type: ignore[arg-type]
    assert found.standing is Standing.STALE
    assert found.reasons[0].startswith(reason)
    assert (found.healthy, found.total) == (1, 1)


def test_what_is_not_known_makes_nothing_stale() -> None:
    assert of(proof(), expected=Expected(vmm="qemu-microvm")).standing is Standing.HEALTHY


def test_counts_are_about_what_the_cell_is_now() -> None:
    old = proof(1, digests__plan=OTHER, verdict="panicked", reached="started")
    found = of(old, proof(2), proof(3, verdict="unhealthy", reached="booted"))
    assert (found.healthy, found.total) == (1, 2)


def test_a_version_outside_the_range_is_stale() -> None:
    narrow = Expected(vmm="qemu-microvm", versions=VersionRange.parse(">=10.1"))
    wide = Expected(vmm="qemu-microvm", versions=VersionRange.parse(">=8"))
    assert of(proof(), expected=narrow).standing is Standing.STALE
    assert of(proof(), expected=wide).standing is Standing.HEALTHY
    assert of(proof(vmm__version="unknown"), expected=wide).standing is Standing.STALE


def test_age() -> None:
    assert of(proof(), expected=Expected(vmm="qemu-microvm", max_age=timedelta(days=9))).reasons == (
        "it is 10 days old",
    )
    assert of(proof(), expected=Expected(vmm="qemu-microvm", max_age=timedelta(days=10))).standing is Standing.HEALTHY


def test_another_vmm_stands_in_and_raises_nothing() -> None:
    expected = Expected(vmm="firecracker", checked=True)
    found = of(proof(1), proof(2), expected=expected)
    assert found.standing is Standing.CHECKED
    assert found.newest is None
    assert [one.started.hour for one in found.stand_ins] == [5]
    assert found.total == 0


def test_what_is_yet_to_come_is_not_the_newest() -> None:
    """A wrong clock must not hide what is recorded later, for ever."""
    ahead = proof(24 * 400, verdict="panicked")
    found = of(proof(1), ahead, proof(2))
    assert (found.standing, found.healthy, found.total) == (Standing.HEALTHY, 2, 2)
    alone = of(ahead)
    assert alone.standing is Standing.STALE
    assert alone.reasons == ("it says that it began on 2027-02-06, which is yet to come",)
    assert of(proof(24 * 10 + 23)).standing is Standing.HEALTHY  # clocks are a little apart
