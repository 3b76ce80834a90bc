from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from bootworthy.catalog.versions import Version
from bootworthy.checks.support import CHECK
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_cases import of


def found(folder: Path, release: str, version: str | None, day: date | None, vmm: str = "firecracker") -> list[Finding]:
    kernel = make.kernel(release=release)
    asked = Version(version) if version else None
    return list(CHECK.find(of(vmm=vmm, kernel_=kernel, vmm_version=asked, at=day)(folder)))


@pytest.mark.parametrize(
    ("release", "version", "says"),
    [
        ("5.10.77", None, ""),
        ("5.10.77", "1.0.0", ""),
        ("6.1.0-9-cloud-amd64", None, ""),
        ("6.1.0-9-cloud-amd64", "1.8.0", "6.1 came with 1.9.0; Firecracker 1.8.0 supports 4.14, 5.10 (until 2024-01"),
        ("4.14.1", "1.9.1", ""),
        ("4.14.1", "1.10.0", "4.14 was dropped with 1.10.0"),
        ("4.14.1", None, "4.14 was dropped with 1.10.0; Firecracker supports 5.10 (until 2024"),
        ("6.12.9", None, "it is not in the policy"),
        ("6.10.0", None, "it is not in the policy"),
        ("5.10", "0.25.0", "5.10 came with 1.0.0; Firecracker 0.25.0 supports none that we know of"),
        ("next", None, ""),
    ],
)  # fmt: skip
def test_the_series_is_in_the_policy(tmp_path: Path, release: str, version: str | None, says: str) -> None:
    findings = found(tmp_path, release, version, None)
    if not says:
        assert findings == []
        return
    (finding,) = findings
    assert (finding.id, finding.severity) == ("kernel.unsupported-series", Severity.WARNING)
    assert finding.message.startswith(f"the kernel is {release}: {says}")


def test_a_vmm_without_a_policy_is_silent(tmp_path: Path) -> None:
    assert found(tmp_path, "2.6.32", None, date(2030, 1, 1), "qemu-microvm") == []


@pytest.mark.parametrize(("day", "lapsed"), [(date(2024, 1, 31), False), (date(2024, 2, 1), True), (None, False)])
def test_a_promise_runs_out(tmp_path: Path, day: date | None, lapsed: bool) -> None:
    findings = found(tmp_path, "5.10.77", None, day)
    assert [(each.id, each.severity) for each in findings] == [("kernel.support-lapsed", Severity.NOTE)] * lapsed


@pytest.mark.parametrize(
    ("written", "last"),
    [
        ("2028", date(2028, 12, 31)),
        ("2028-02", date(2028, 2, 29)),
        ("2027-02", date(2027, 2, 28)),
        ("2028-06", date(2028, 6, 30)),
        ("2028-06-15", date(2028, 6, 15)),
    ],
)
def test_a_day_is_as_late_as_what_is_written(tmp_path: Path, written: str, last: date) -> None:
    ends = {"system s": written, "kernel k": written}
    after = date.fromordinal(last.toordinal() + 1)
    assert list(CHECK.find(of(ends=ends, at=last)(tmp_path))) == []
    findings = {each.where: each for each in CHECK.find(of(ends=ends, at=after)(tmp_path))}
    assert {name: each.id for name, each in findings.items()} == {
        "system s": "system.end-of-life", "kernel k": "kernel.end-of-life",
    }  # fmt: skip
    assert findings["system s"].message == f"its support ended in {written}, and it is {after} now"


def test_without_a_day_nothing_ends(tmp_path: Path) -> None:
    assert list(CHECK.find(of(ends={"system s": "2000"})(tmp_path))) == []
