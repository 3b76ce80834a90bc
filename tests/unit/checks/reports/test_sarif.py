"""SARIF, read by classes that somebody else generated from the schema of OASIS; they forbid what it does not name."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_sarif.model import (  # type: ignore[import-untyped]
    StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log,
)

from bootworthy.checks.reports.format import Look
from bootworthy.checks.reports.report import Looked
from bootworthy.checks.reports.sarif import render
from tests import check_reports as make


def read(*looked: Looked) -> Any:
    text = render(make.report(*looked), Look())
    Log.model_validate_json(text)
    return json.loads(text)


def test_the_schema_is_held() -> None:
    text = render(make.report(), Look())
    Log.model_validate_json(text)
    for broken in (
        text.replace('"ruleId"', '"ruleID"'),
        text.replace('"2.1.0"', '"2.0.0"'),
        text.replace('"level"', '"l"'),
    ):
        with pytest.raises(ValidationError):
            Log.model_validate_json(broken)


def test_the_tool_and_its_rules() -> None:
    report = make.report()
    driver = read()["runs"][0]["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("bootworthy", "0.1.0")
    assert [rule["id"] for rule in driver["rules"]] == list(report.rules)
    for rule, own in zip(driver["rules"], report.rules.values(), strict=True):
        assert rule["defaultConfiguration"]["level"] == own.severity
        assert own.remedy in rule["help"]["text"]


def test_a_finding_that_cells_share_is_one_result() -> None:
    results = read()["runs"][0]["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("init.missing", "error"), ("identity.machine-id", "warning"), ("drivers.unknown", "note"),
    ]  # fmt: skip
    assert results[1]["properties"]["cells"] == [make.FIRST, make.SECOND]
    rules = read()["runs"][0]["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in results)
    assert make.MISSING.message in results[0]["message"]["text"]


def test_a_place_is_a_relative_reference_without_the_digest() -> None:
    (result,) = read(make.looked(make.FIRST, make.MISSING))["runs"][0]["results"]
    (location,) = result["locations"]
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "localhost/os/small%3A1/sbin/init"
    assert location["logicalLocations"] == [{"fullyQualifiedName": make.MISSING.where}]
    assert result["properties"]["digest"] == f"sha256:{'a' * 64}"


def test_the_next_build_has_the_same_fingerprint() -> None:
    next_ = make.finding("init.missing", where=make.MISSING.where.replace("a" * 64, "c" * 64))
    other = make.finding("init.missing", where=f"{make.KERNEL}: /sbin/init")
    looked = (make.looked(make.FIRST, make.MISSING), make.looked(make.SECOND, next_), make.looked(make.THIRD, other))
    prints = [each["partialFingerprints"]["finding/v1"] for each in read(*looked)["runs"][0]["results"]]
    assert len(prints) == 3
    assert len(set(prints)) == 2


def test_a_place_that_is_no_file_and_a_rule_that_nobody_declared() -> None:
    (result,) = read(make.looked(make.FIRST, make.finding("their.rule", where="qemu-microvm")))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "qemu-microvm"
    assert "ruleIndex" not in result


@given(where=st.text(st.characters(min_codepoint=32, codec="utf-8"), min_size=1, max_size=60))
def test_every_place_is_a_uri_that_has_no_scheme(where: str) -> None:
    (result,) = read(make.looked(make.FIRST, make.finding("init.missing", where=where)))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert urlsplit(uri).scheme == ""
    assert unquote(uri) == where.partition(": /")[0].partition("@")[0] + "".join(
        f"/{path}" for path in [where.partition(": /")[2]] if path
    )
