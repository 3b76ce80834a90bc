"""The report as JUnit XML, as Jenkins and GitLab read it: a suite for each thing looked at, a test case for each rule.

What does not stand in the way is no failure: it is what the test case printed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bootworthy.checks.reports.format import Format, Look
from bootworthy.checks.reports.report import Looked, Report
from bootworthy.vocabulary import Finding

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML document may hold, escaped or not (XML 1.0, section 2.2)."""


def render(report: Report, _look: Look) -> str:
    """The document, indented."""
    from xml.etree import ElementTree as ET  # noqa: PLC0415  (few need it; it writes, and reads nothing)

    root = ET.Element("testsuites", name=_plain(report.tool))
    for each in report.looked:
        _suite(root, report, each)
    for key in ("tests", "failures"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


FORMAT = Format(title="JUnit XML, for the test reports of a CI", render=render)


def _suite(root: Element, report: Report, each: Looked) -> None:
    found: dict[str, list[Finding]] = {}
    for finding in each.findings:
        found.setdefault(finding.id, []).append(finding)
    failures = sum(any(map(report.stands_in_the_way, group)) for group in found.values())
    tests = [*report.rules, *(id_ for id_ in found if id_ not in report.rules)]
    name = _plain(each.name)
    suite = _below(root, "testsuite", name=name, tests=str(len(tests)), failures=str(failures), errors="0")
    for id_ in tests:
        case = _below(suite, "testcase", classname=name, name=id_)
        _say(case, report, found.get(id_, []))


def _say(case: Element, report: Report, found: Sequence[Finding]) -> None:
    wrong = [finding for finding in found if report.stands_in_the_way(finding)]
    other = [finding for finding in found if finding not in wrong]
    if wrong:
        # Jenkins keeps one failure of a test case.
        failure = _below(case, "failure", message=_plain(wrong[0].message), type=wrong[0].severity.value)
        failure.text = _plain("\n\n".join(_told(finding) for finding in wrong))
    if other:
        _below(case, "system-out").text = _plain("\n\n".join(_told(finding) for finding in other))


def _below(parent: Element, tag: str, **attributes: str) -> Element:
    child = parent.makeelement(tag, attributes)
    parent.append(child)
    return child


def _told(finding: Finding) -> str:
    return (
        f"{finding.severity}: {finding.message}\nwhere: {finding.where}\nwhy: {finding.why}\nremedy: {finding.remedy}"
    )


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
