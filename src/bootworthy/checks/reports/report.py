"""What the checks said of everything that was looked at, for the formats to write down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.run import ordered
from bootworthy.vocabulary import Architecture, Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Images and the machine they are for, and where they break a rule."""

    name: str
    """The cell; without one, the root and the machine."""
    vmm: str
    architecture: Architecture
    images: Mapping[str, str]
    """Role to `reference@digest`."""
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings matter so much."""
        return sum(finding.severity is severity for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of one run."""

    looked: tuple[Looked, ...]
    families: Mapping[str, Check]
    """Every family whose rules were asked for."""
    tool: str
    """The program that looked, with its version: `bootworthy 1.0`."""
    at: date
    """The day that was asked about."""
    strict: bool = False
    """Whether warnings stand in the way, too."""

    @property
    def rules(self) -> dict[str, Rule]:
        """Every rule by its id, family after family."""
        return {rule.id: rule for check in self.families.values() for rule in check.rules}

    def stands_in_the_way(self, finding: Finding) -> bool:
        """Whether a finding is what the caller will not have."""
        return finding.severity is Severity.ERROR or (self.strict and finding.severity is Severity.WARNING)

    def refused(self, looked: Looked) -> bool:
        """Whether something stands in the way of this."""
        return any(self.stands_in_the_way(finding) for finding in looked.findings)

    def shared(self) -> dict[Finding, tuple[str, ...]]:
        """Each finding once, in the order people read them, with the names of all that it was found for."""
        names: dict[Finding, list[str]] = {}
        for each in self.looked:
            for finding in dict.fromkeys(each.findings):
                names.setdefault(finding, []).append(each.name)
        return {finding: tuple(names[finding]) for finding in ordered(names)}


def counted(findings: Iterable[Finding]) -> str:
    """`1 error, 2 warnings`; nothing for none."""
    severities = [finding.severity for finding in findings]
    numbers = {severity: severities.count(severity) for severity in Severity}
    return ", ".join(f"{number} {severity}{'s' * (number > 1)}" for severity, number in numbers.items() if number)
