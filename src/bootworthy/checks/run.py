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


def refuse(findings: Iterable[Finding]) -> None:
    """Nothing, when no finding is an error.

    Raises:
        RefusedError: `check.failed`, with the first error, its remedy, and how many more there are.
    """
    wrong = errors(ordered(findings))
    if not wrong:
        return
    first, more = wrong[0], len(wrong) - 1
    also = f" (and {more} more {'error' if more == 1 else 'errors'})" if more else ""
    raise RefusedError(
        "check.failed", f"this would not boot: {first.message} [{first.id}]{also}",
        where=first.where, hint=first.remedy,
    )  # fmt: skip
