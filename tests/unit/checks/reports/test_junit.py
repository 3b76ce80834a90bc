from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from bootworthy.checks.reports.format import Look
from bootworthy.checks.reports.junit import render
from tests import check_reports as make

ANYTHING = st.text(st.characters(codec="utf-16", categories=None), max_size=60) | st.just(
    "\x00\x1b[2J\ud800\ufffe\uffff]]>"
)


def read(*looked: Any, strict: bool = False) -> Any:
    return ET.fromstring(render(make.report(*looked, strict=strict), Look()).encode())


def test_a_suite_for_each_cell_and_a_test_for_each_rule() -> None:
    report = make.report()
    root = read()
    assert root.tag == "testsuites"
    assert [suite.get("name") for suite in root] == [make.FIRST, make.SECOND, make.THIRD]
    for suite in root:
        assert [case.get("name") for case in suite] == list(report.rules)
        assert {case.get("classname") for case in suite} == {suite.get("name")}
        assert int(suite.get("tests")) == len(suite)
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    assert int(root.get("tests")) == 3 * len(report.rules)
    assert int(root.get("failures")) == 1


def test_an_error_is_a_failure() -> None:
    (failure,) = read().findall(".//testcase[@name='init.missing']/failure")
    assert failure.get("message") == "/sbin/init is not in the image"
    assert failure.get("type") == "error"
    assert make.MISSING.where in failure.text
    assert make.MISSING.remedy in failure.text


def test_a_warning_is_no_failure_until_it_is_asked_for() -> None:
    cases = ".//testcase[@name='identity.machine-id']"
    assert len(read().findall(f"{cases}/failure")) == 0
    assert [make.MACHINE_ID.message in each.text for each in read().findall(f"{cases}/system-out")] == [True, True]
    assert len(read(strict=True).findall(f"{cases}/failure")) == 2


def test_a_rule_that_is_broken_twice_is_one_failure_with_both() -> None:
    other = make.finding("init.missing", where="x@sha256:0: /init", message="another")
    (failure,) = read(make.looked(make.FIRST, make.MISSING, other)).findall(".//failure")
    assert make.MISSING.message in failure.text
    assert "another" in failure.text


def test_a_rule_that_nobody_declared_is_a_test_too() -> None:
    root = read(make.looked(make.FIRST, make.finding("their.rule")))
    assert len(root.findall(".//testcase[@name='their.rule']/failure")) == 1
    assert int(root.get("tests")) == len(root.findall(".//testcase"))


@given(name=ANYTHING, message=ANYTHING, where=ANYTHING)
def test_whatever_an_image_says_it_is_well_formed(name: str, message: str, where: str) -> None:
    looked = make.looked(name, make.finding("init.missing", where=where, message=message))
    root = read(looked)
    (failure,) = root.findall(".//failure")
    assert "\x1b" not in failure.text
    assert printed(failure.get("message")) == printed(message or "init.missing is broken")


def printed(text: str) -> list[str]:
    return [char for char in text if char.isprintable() and char != "\N{REPLACEMENT CHARACTER}"]


def test_it_is_written_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "report.xml"
    path.write_text(render(make.report(make.looked("日本", make.MISSING)), Look()), encoding="utf-8")
    assert ET.parse(path).getroot()[0].get("name") == "日本"
