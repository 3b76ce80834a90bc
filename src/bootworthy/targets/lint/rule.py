"""What a rule about somebody's document is, and what is said where it is broken.

A new family is one new module in `rules/` that holds `FAMILY`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bootworthy.catalog.versions import VersionRange
from bootworthy.host import registry
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.images import Images
from bootworthy.targets.lint.machine import Machine
from bootworthy.targets.lint.tree import Edit, Span
from bootworthy.vocabulary import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that must be so."""

    id: str
    """`LM-001`: stable; programs match it."""
    severity: Severity
    """That of its worst case; a fault may be milder."""
    title: str
    """What is wrong when it is broken, in a few words."""
    why: str
    remedy: str
    source: str
    holds: Mapping[str, VersionRange] = field(default_factory=dict)
    """The versions of programs that it holds for; all of them, of those that are not named."""
    images: bool = False
    """Whether only the images can tell."""
    fixed: bool = False
    """Whether `--fix` can do something about it."""

    @property
    def range(self) -> str:
        """The versions, for people."""
        return ", ".join(f"{name} {range_}" for name, range_ in self.holds.items()) or "all"

    def broken(
        self, span: Span, message: str, *, severity: Severity | None = None, remedy: str = "",
        edits: tuple[Edit, ...] = (),
    ) -> Fault:  # fmt: skip
        """The fault that it is broken here."""
        return Fault(self, severity or self.severity, span, message, remedy or self.remedy, edits)


@dataclass(frozen=True, slots=True)
class Fault:
    """One place where a rule is broken."""

    rule: Rule
    severity: Severity
    span: Span
    message: str
    remedy: str
    edits: tuple[Edit, ...] = ()
    """What `--fix` does about it; all of them, or none."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One file, and what is asked about it."""

    source: Source
    machines: tuple[Machine, ...]
    asked: Asked
    images: Images | None = None
    """How to open an image; None where none is to be looked into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Rules that look at the same thing."""

    title: str
    rules: tuple[Rule, ...]
    find: Callable[[Subject], Iterator[Fault]]
    """Where they are broken."""


def each(find: Callable[[Machine, Asked], Iterator[Fault]]) -> Callable[[Subject], Iterator[Fault]]:
    """For a family that looks at one microVM at a time."""

    def find_all(subject: Subject) -> Iterator[Fault]:
        for machine in subject.machines:
            yield from find(machine, subject.asked)

    return find_all


def known() -> dict[str, Family]:
    """Every family there is, by name.

    Raises:
        HostError: `plugin.broken`, `plugin.duplicate`.
    """
    return registry.scan("bootworthy.targets.lint.rules", "FAMILY", Family)
