from __future__ import annotations

import json

from bootworthy.checks.reports.format import Look
from bootworthy.checks.reports.json import render
from tests import check_reports as make


def test_a_cell() -> None:
    report = make.report()
    document = json.loads(render(report, Look()))
    assert set(document) == {"schema", "tool", "at", "rules", "checked"}
    assert (document["schema"], document["tool"]) == ("bootworthy.checks/1", "bootworthy 0.1.0")
    assert document["at"] == "2026-01-02"
    assert document["rules"] == list(report.rules)
    assert document["checked"][1] == {
        "cell": make.SECOND,
        "vmm": "firecracker",
        "architecture": "x86_64",
        "images": {"root": make.ROOT, "kernel": make.KERNEL},
        "refused": False,
        "counts": {"error": 0, "warning": 1, "note": 1},
        "findings": [make.MACHINE_ID.as_json(), make.UNKNOWN.as_json()],
    }


def test_what_is_refused() -> None:
    def refused(*, strict: bool) -> list[bool]:
        return [each["refused"] for each in json.loads(render(make.report(strict=strict), Look()))["checked"]]

    assert refused(strict=False) == [True, False, False]
    assert refused(strict=True) == [True, True, False]
