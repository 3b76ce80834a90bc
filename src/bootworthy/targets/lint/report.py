"""What the rules said of some files, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bootworthy.errors import Problem
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.machine import Machine
from bootworthy.targets.lint.rule import Fault
from bootworthy.vocabulary import Severity

SCHEMA = "bootworthy.lint/1"
_BOLD = "1"
_COLOURS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.NOTE: "1;36"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """One file, after its fixes."""

    source: Source
    machines: tuple[Machine, ...]
    faults: tuple[Fault, ...]
    fixed: tuple[Fault, ...] = ()
    """What was mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of one run."""

    files: tuple[Linted, ...]
    unread: tuple[Problem, ...]
    """Why other files were not read."""
    asked: Asked
    tool: str
    strict: bool = False
    """Whether warnings stand in the way, too."""

    @property
    def refused(self) -> bool:
        """Whether anything stands in the way."""
        bad = {Severity.ERROR, Severity.WARNING} if self.strict else {Severity.ERROR}
        return any(fault.severity in bad for each in self.files for fault in each.faults)


def text(report: Report, *, colour: bool = False) -> str:
    """A line for each fault, what to do about it, and a line for all."""
    lines: list[str] = []
    for each in report.files:
        if not each.machines:
            lines.append(f"{each.source.name}: no microVM is described here")
        for fault in each.faults:
            word = _styled(f"{fault.severity}:", _COLOURS[fault.severity], colour)
            said = _styled(_plain(fault.message), _BOLD, colour)
            lines += [f"{each.source.where(fault.span)}: {word} {said} [{fault.rule.id}]", f"    {fault.remedy}"]
    return "\n".join([*lines, _summary(report)]) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as JSON data (docs/lint.md)."""
    return {
        "schema": SCHEMA,
        "tool": report.tool,
        "at": report.asked.at.isoformat(),
        "for": {name: version.text for name, version in report.asked.versions.items()},
        "refused": report.refused,
        "files": [_file(each) for each in report.files],
        "unread": [problem.as_json() for problem in report.unread],
    }


def as_json(report: Report) -> str:
    """The document, indented."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def region(source: Source, fault: Fault) -> tuple[int, int, int, int]:
    """Line and column of the begin, and of the end, which is not in it; counted from 1."""
    start, end = source.mark(fault.span.start), source.mark(fault.span.end)
    return start.line, start.column, end.line, end.column


def counted(severities: Iterable[Severity]) -> str:
    """`1 error, 2 warnings`; nothing for none."""
    every = list(severities)
    numbers = {severity: every.count(severity) for severity in Severity}
    return ", ".join(f"{number} {severity}{'s' * (number > 1)}" for severity, number in numbers.items() if number)


def _file(each: Linted) -> dict[str, Any]:
    return {
        "file": each.source.name,
        "microvms": [
            {"kind": machine.kind.value, "title": machine.title, "line": each.source.mark(machine.span.start).line}
            for machine in each.machines
        ],
        "findings": list(_findings(each)),
        "fixed": [{"id": fault.rule.id, "message": fault.message} for fault in each.fixed],
    }


def _findings(each: Linted) -> Iterator[dict[str, Any]]:
    for fault in each.faults:
        line, column, end_line, end_column = region(each.source, fault)
        yield {
            "id": fault.rule.id, "severity": fault.severity.value, "line": line, "column": column,
            "end-line": end_line, "end-column": end_column, "message": fault.message, "why": fault.rule.why,
            "remedy": fault.remedy, "source": fault.rule.source, "versions": fault.rule.range,
            "fixable": bool(fault.edits),
        }  # fmt: skip


def _summary(report: Report) -> str:
    faults = [fault for each in report.files for fault in each.faults]
    files, machines = len(report.files), sum(len(each.machines) for each in report.files)
    told = counted(fault.severity for fault in faults) or "nothing is wrong"
    line = f"{files} file{'s' * (files != 1)}, {machines} microVM{'s' * (machines != 1)}: {told}"
    fixed, fixable = sum(len(each.fixed) for each in report.files), sum(bool(fault.edits) for fault in faults)
    return line + (f"; {fixed} fixed" if fixed else "") + (f"; --fix mends {fixable}" if fixable else "")


def _plain(words: str) -> str:
    """A message that a terminal bears: what is written in a document may be anything."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in words)


def _styled(words: str, style: str, colour: bool) -> str:
    return f"\x1b[{style}m{words}\x1b[0m" if colour else words
