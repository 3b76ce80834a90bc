from __future__ import annotations

import pytest

from bootworthy.proofs.health import Expectations, judge
from bootworthy.proofs.report import parse
from bootworthy.vocabulary import Architecture
from tests.reports import report_bytes

RELEASE = "6.1.0-1-cloud-amd64"
EXPECTED = Expectations(architecture=Architecture.X86_64, kernel_release=RELEASE, modules=True)
DOWN = {
    "name": "eth0", "mac": "", "driver": "virtio_net", "state": "down", "carrier": False, "raised": True,
    "addresses": [],
}  # fmt: skip


def reasons(**changes: object) -> list[str]:
    return judge(parse(report_bytes(**changes)), EXPECTED)


def test_nothing_speaks_against_a_healthy_guest() -> None:
    assert reasons() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "degraded", "failed_units": ["ssh.service"]}, "the unit ssh.service failed"),
        ({"failed_units": ["ssh.service"]}, "the unit ssh.service failed"),
        ({"state": "degraded"}, "systemd says 'degraded'"),
        ({"state": "starting", "waiting_jobs": ["a.device running"]}, "it still waits for a.device running"),
        ({"state": "maintenance"}, "systemd says 'maintenance'"),
        ({"state": "unknown", "init": "openrc"}, "(openrc) does not say"),
        ({"kernel_release": "5.10.0"}, f"runs kernel 5.10.0, and {RELEASE} was launched"),
        ({"architecture": "aarch64"}, "the guest is aarch64"),
        ({"root__writable": ["/tmp", "/run"], "root__options": "ro"}, "written in /, /var (root: ro)"),
        ({"module": {"outcome": "failed", "name": "crc7", "error": "Exec format error"}}, "crc7 does not load: Exec"),
        ({"module": {"outcome": "absent", "name": "", "error": "no modules.dep"}}, "no modules.dep"),
        ({"network": []}, "no driver"),
        ({"network": [DOWN]}, "eth0 is down"),
    ],
)
def test_each_thing_that_is_wrong_is_one_reason(changes: dict[str, object], words: str) -> None:
    found = reasons(**changes)
    assert len(found) == 1
    assert words in found[0]


def test_what_is_not_expected_is_not_asked_for() -> None:
    lenient = Expectations(architecture=Architecture.X86_64, root_writable=False, network=False)
    absent = {"outcome": "absent", "name": "", "error": ""}
    poor = report_bytes(network=[], root__writable=[], kernel_release="x", module=absent)
    assert judge(parse(poor), lenient) == []


def test_modules_that_leave_nothing_to_try_are_no_fault() -> None:
    assert reasons(module={"outcome": "none", "name": "", "error": ""}) == []


def test_one_link_of_two_devices_is_enough() -> None:
    assert reasons(network=[DOWN, {**DOWN, "name": "eth1", "carrier": True}]) == []
