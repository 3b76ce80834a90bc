"""The report for people: each rule that is broken once, the worst first, then a line for each thing looked at."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from bootworthy.checks.reports.format import Format, Look
from bootworthy.checks.reports.report import Report, counted
from bootworthy.vocabulary import Finding, Severity

_BOLD = "1"
_COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36"}
_GOOD, _BAD = "32", "31"
_CLEAR = "nothing stands in its way"
_Found = Sequence[tuple[Finding, tuple[str, ...]]]
"""Findings of one rule, each with the names of what it was found for."""


def render(report: Report, look: Look) -> str:
    """Blank lines between rules, and no line is broken: places can be copied."""
    groups = itertools.groupby(report.shared().items(), key=lambda item: (item[0].severity, item[0].id))
    lines: list[str] = []
    for _, found in groups:
        lines += [*_rule(report, list(found), look), ""]
    lines += _summary(report, look)
    return "\n".join(lines) + "\n"


FORMAT = Format(title="text for people", render=render)


def _rule(report: Report, found: _Found, look: Look) -> Iterator[str]:
    first = found[0][0]
    rule = report.rules.get(first.id)
    head = _styled(f"{first.severity}:", _COLOURS[first.severity], look)
    yield f"{head} {_styled(rule.title if rule else first.message, _BOLD, look)} [{first.id}]"
    remedies = {finding.remedy for finding, _ in found}
    for finding, names in found:
        yield f"  {finding.where}"
        yield f"    {finding.message}"
        if len(names) < len(report.looked):
            yield f"    for {', '.join(names)}"
        if len(remedies) > 1:
            yield f"    remedy: {finding.remedy}"
    yield f"  why: {first.why}"
    if len(remedies) == 1:
        yield f"  remedy: {first.remedy}"


def _summary(report: Report, look: Look) -> Iterator[str]:
    for each in report.looked:
        refused = report.refused(each)
        verdict = "would not boot" if each.count(Severity.ERROR) else "has warnings" if refused else _CLEAR
        count = counted(each.findings)
        yield f"{each.name}: {_styled(verdict, _BAD if refused else _GOOD, look)}" + (f" ({count})" if count else "")
    if len(report.looked) != 1:
        bad = sum(report.refused(each) for each in report.looked)
        count = counted(report.shared()) or "no findings"
        yield f"{len(report.looked)} checked by {len(report.rules)} rules, {bad} refused: {count}"


def _styled(text: str, style: str, look: Look) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if look.colour else text
