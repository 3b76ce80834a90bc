from __future__ import annotations

from bootworthy.checks.reports.report import counted
from bootworthy.vocabulary import Severity
from tests import check_reports as make


def test_what_several_share_is_there_once_the_worst_first() -> None:
    assert make.report().shared() == {
        make.MISSING: (make.FIRST,), make.MACHINE_ID: (make.FIRST, make.SECOND), make.UNKNOWN: (make.SECOND,),
    }  # fmt: skip
    assert list(make.report().shared()) == [make.MISSING, make.MACHINE_ID, make.UNKNOWN]


def test_a_finding_that_is_said_twice_is_one() -> None:
    assert make.report(make.looked(make.FIRST, make.MISSING, make.MISSING)).shared() == {make.MISSING: (make.FIRST,)}


def test_what_is_refused() -> None:
    report = make.report()
    assert [report.refused(each) for each in report.looked] == [True, False, False]
    strict = make.report(strict=True)
    assert [strict.refused(each) for each in strict.looked] == [True, True, False]


def test_counts() -> None:
    assert counted([]) == ""
    assert counted([make.MACHINE_ID, make.MISSING, make.MACHINE_ID]) == "1 error, 2 warnings"
    assert make.report().looked[1].count(Severity.NOTE) == 1


def test_rules_are_those_of_every_family() -> None:
    report = make.report()
    assert list(report.rules) == [rule.id for check in report.families.values() for rule in check.rules]
