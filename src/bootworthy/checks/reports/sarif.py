"""The report as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format), for code scanning.

A finding that several cells share is one result. Its place is a relative URI, the image's name and the path in it,
without the digest: it is the same in the next build, so that what is known already is known again.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from bootworthy.checks.reports.format import Format, Look
from bootworthy.checks.reports.report import Report
from bootworthy.checks.rule import Rule
from bootworthy.vocabulary import Finding

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(report: Report) -> dict[str, Any]:
    """The log as JSON data: one run, all rules, one result for each finding (section 3.13)."""
    name, _, version = report.tool.partition(" ")
    titles = {rule.id: check.title for check in report.families.values() for rule in check.rules}
    places = {id_: number for number, id_ in enumerate(report.rules)}
    driver = {
        "name": name, "version": version, "rules": [_rule(rule, titles[rule.id]) for rule in report.rules.values()],
    }  # fmt: skip
    results = [_result(finding, names, places) for finding, names in report.shared().items()]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _rule(rule: Rule, family: str) -> dict[str, Any]:
    """Section 3.49."""
    help_ = f"{rule.why}\n\nWhat to do: {rule.remedy}." + (f"\n\nSource: {rule.source}." if rule.source else "")
    return {
        "id": rule.id,
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.why},
        "help": {"text": help_},
        "defaultConfiguration": {"level": rule.severity.value},
        "properties": {"tags": [family]},
    }


def _result(finding: Finding, names: tuple[str, ...], places: dict[str, int]) -> dict[str, Any]:
    """Section 3.27. Levels are named as severities are."""
    place, digest = _place(finding.where)
    return {
        "ruleId": finding.id,
        **({"ruleIndex": places[finding.id]} if finding.id in places else {}),
        "level": finding.severity.value,
        "message": {"text": f"{finding.message}. What to do: {finding.remedy}."},
        "locations": [
            {
                # A colon in the first segment would make it the scheme (RFC 3986, section 4.2).
                "physicalLocation": {"artifactLocation": {"uri": quote(place, safe="/@")}},
                "logicalLocations": [{"fullyQualifiedName": finding.where}],
            }
        ],
        "partialFingerprints": {"finding/v1": hashlib.sha256(f"{finding.id}\n{place}".encode()).hexdigest()},
        "properties": {"cells": list(names), **({"digest": digest} if digest else {})},
    }


def _place(where: str) -> tuple[str, str]:
    """`REFERENCE/PATH` and the digest, of `REFERENCE@DIGEST: /PATH`; anything else as it is."""
    image, _, path = where.partition(": /")
    reference, _, digest = image.partition("@")
    return (f"{reference}/{path}" if path else reference), digest


def render(report: Report, _look: Look) -> str:
    """The document, indented."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


FORMAT = Format(title="SARIF 2.1.0, for code scanning", render=render)
