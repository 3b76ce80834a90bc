"""The report as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format), for code scanning."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from bootworthy.targets.lint import rule
from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.report import Report, region
from bootworthy.targets.lint.rule import Fault, Rule
from bootworthy.targets.lint.tree import Edit

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(report: Report) -> str:
    """One run with every rule, and one result for each fault (section 3.13).

    Raises:
        HostError: `plugin.broken`, `plugin.duplicate`.
    """
    name, _, version = report.tool.partition(" ")
    rules = [(each, family.title) for family in rule.known().values() for each in family.rules]
    driver = {"name": name, "version": version, "rules": [_rule(each, title) for each, title in rules]}
    places = {each.id: number for number, (each, _) in enumerate(rules)}
    results = [_result(each.source, fault, places) for each in report.files for fault in each.faults]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(each: Rule, family: str) -> dict[str, Any]:
    """Section 3.49."""
    text = f"{each.why}\n\nWhat to do: {each.remedy}.\n\nVersions: {each.range}. Source: {each.source}."
    return {
        "id": each.id, "shortDescription": {"text": f"{each.title}."}, "fullDescription": {"text": each.why},
        "help": {"text": text}, "defaultConfiguration": {"level": each.severity.value},
        "properties": {"tags": [family]},
    }  # fmt: skip


def _result(source: Source, fault: Fault, places: dict[str, int]) -> dict[str, Any]:
    """Section 3.27. Levels are named as severities are."""
    artifact = {"uri": quote(source.name, safe="/@")}
    line, column, end_line, end_column = region(source, fault)
    place = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return {
        "ruleId": fault.rule.id,
        "ruleIndex": places[fault.rule.id],
        "level": fault.severity.value,
        "message": {"text": f"{fault.message}. What to do: {fault.remedy}."},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": place}}],
        **({"fixes": [_fix(artifact, fault.edits)]} if fault.edits else {}),
    }


def _fix(artifact: dict[str, str], edits: tuple[Edit, ...]) -> dict[str, Any]:
    """Section 3.55. Places are offsets in characters."""
    changes = [
        {
            "deletedRegion": {"charOffset": edit.span.start, "charLength": edit.span.end - edit.span.start},
            **({"insertedContent": {"text": edit.text}} if edit.text else {}),
        }
        for edit in edits
    ]
    return {"artifactChanges": [{"artifactLocation": artifact, "replacements": changes}]}
