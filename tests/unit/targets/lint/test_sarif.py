"""SARIF of what is wrong in documents, read by classes that somebody else generated from the schema of OASIS."""

from __future__ import annotations

import json
from datetime import date

import pytest
from pydantic import ValidationError
from pydantic_sarif.model import (  # type: ignore[import-untyped]
    StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log,
)

from bootworthy.targets.lint import sarif
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.detection import machines
from bootworthy.targets.lint.documents import read_text
from bootworthy.targets.lint.report import Linted, Report
from bootworthy.targets.lint.run import run
from tests.lint_cases import CASES

ASKED = Asked(at=date(2026, 1, 1))


def report() -> Report:
    """Every case of every rule, in files with names that need care."""
    files = []
    for number, case in enumerate(case for cases in CASES.values() for case in cases):
        source = read_text(f"a b/{number}:é.{case.name}", case.text)
        files.append(Linted(source=source, machines=machines(source), faults=run(source, ASKED)))
    return Report(files=tuple(files), unread=(), asked=ASKED, tool="bootworthy 0.1.0")


def test_the_schema_is_held() -> None:
    text = sarif.render(report())
    Log.model_validate_json(text)
    with pytest.raises(ValidationError):
        Log.model_validate_json(text.replace('"startLine"', '"line"'))


def test_every_fault_is_a_result_of_its_rule() -> None:
    made = report()
    (log,) = json.loads(sarif.render(made))["runs"]
    faults = [fault for each in made.files for fault in each.faults]
    assert [result["ruleId"] for result in log["results"]] == [fault.rule.id for fault in faults]
    rules = log["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in log["results"])
    assert [bool(result.get("fixes")) for result in log["results"]] == [bool(fault.edits) for fault in faults]


def test_a_place_is_an_address() -> None:
    (log,) = json.loads(sarif.render(report()))["runs"]
    addresses = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["results"]}
    assert "a%20b/0%3A%C3%A9.spec.json" in addresses
