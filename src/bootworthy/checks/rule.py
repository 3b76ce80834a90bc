"""What a family of checks is: rules that say why and what to do, and one function that finds where they are broken.

A new family is one new module in this folder that holds `CHECK`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bootworthy.checks.subject import Subject
from bootworthy.host import registry
from bootworthy.vocabulary import Finding, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that must be so."""

    id: str
    """Dotted, stable; programs match it."""
    severity: Severity
    title: str
    """What is wrong when it is broken, in a few words."""
    why: str
    """What happens to whoever boots it."""
    remedy: str
    source: str = ""
    """The document the rule comes from."""

    def as_json(self) -> dict[str, str]:
        """The rule as programs read it."""
        return {
            "id": self.id, "severity": self.severity.value, "title": self.title, "why": self.why,
            "remedy": self.remedy, "source": self.source,
        }  # fmt: skip

    def broken(self, where: str, message: str, *, remedy: str = "", severity: Severity | None = None) -> Finding:
        """The finding that it is broken here; a remedy or a severity that fits this place better may be given."""
        return Finding(
            id=self.id, severity=severity or self.severity, where=where, message=message, why=self.why,
            remedy=remedy or self.remedy, source=self.source,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A family of rules."""

    title: str
    rules: tuple[Rule, ...]
    find: Callable[[Subject], Iterator[Finding]]
    """Where they are broken. It reads `Subject` only, and says in a finding what it cannot read."""


def known() -> dict[str, Check]:
    """Every family there is, by name.

    Raises:
        HostError: `plugin.broken`, `plugin.duplicate`.
    """
    return registry.scan("bootworthy.checks", "CHECK", Check)
