"""Ask every check about a subject, and refuse what would not boot."""

from __future__ import annotations

from collections.abc import Iterable

from bootworthy.checks import rule
from bootworthy.checks.subject import Subject
from bootworthy.errors import RefusedError
from bootworthy.vocabulary import Finding, Severity, errors

_ORDER = list(Severity)


def run(subject: Subject) -> tuple[Finding, ...]:
    """Every finding of every check: errors first, then by id, then by place.

    Raises:
        HostError: `plugin.broken`, `plugin.duplicate`.
    """
    found = [finding for check in rule.known().values() for finding in check.find(subject)]
    return ordered(found)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings in the order people read them: errors first, then by id, then by place."""
    return tuple(sorted(findings, key=lambda it: (_ORDER.index(it.severity), it.id, it.where, it.message)))


def refuse(findings: Iterable[Finding], *, strict: bool = False) -> None:
    """Nothing, when no finding is an error; nor a warning, where that counts as well.

    Raises:
        RefusedError: `check.failed`, with the first of them, its remedy, and how many more there are.
    """
    every = ordered(dict.fromkeys(findings))
    wrong = errors(every) or [finding for finding in every if strict and finding.severity is Severity.WARNING]
    if not wrong:
        return
    first, more = wrong[0], len(wrong) - 1
    also = f" (and {more} more {first.severity}{'s' * (more > 1)})" if more else ""
    what = "this would not boot" if first.severity is Severity.ERROR else "no warning is allowed here"
    raise RefusedError(
        "check.failed", f"{what}: {first.message} [{first.id}]{also}", where=first.where, hint=first.remedy
    )
