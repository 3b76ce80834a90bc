"""The report for programs: `bootworthy.checks/1` (docs/checks.md)."""

from __future__ import annotations

import json

from bootworthy.checks.reports.format import Format, Look
from bootworthy.checks.reports.report import Looked, Report
from bootworthy.vocabulary import Severity

SCHEMA = "bootworthy.checks/1"


def document(report: Report) -> dict[str, object]:
    """The report as JSON data."""
    return {
        "schema": SCHEMA,
        "tool": report.tool,
        "at": report.at.isoformat(),
        "rules": list(report.rules),
        "checked": [_looked(report, each) for each in report.looked],
    }


def _looked(report: Report, each: Looked) -> dict[str, object]:
    return {
        "cell": each.name,
        "vmm": each.vmm,
        "architecture": each.architecture.value,
        "images": dict(each.images),
        "refused": report.refused(each),
        "counts": {severity.value: each.count(severity) for severity in Severity},
        "findings": [finding.as_json() for finding in each.findings],
    }


def render(report: Report, _look: Look) -> str:
    """The document, indented."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


FORMAT = Format(title="JSON for programs", render=render)
