from __future__ import annotations

import re

from bootworthy.checks.reports.format import Look
from bootworthy.checks.reports.text import render
from bootworthy.vocabulary import Finding, Severity
from tests import check_reports as make


def text(*looked: Finding, strict: bool = False) -> str:
    return render(make.report(make.looked(make.FIRST, *looked), strict=strict), Look())


def test_one_cell() -> None:
    assert text(make.MISSING) == (
        "error: There is no init in the root [init.missing]\n"
        f"  {make.ROOT}: /sbin/init\n"
        "    /sbin/init is not in the image\n"
        "  why: The kernel has nothing to start as its first process, and panics.\n"
        f"  remedy: {make.MISSING.remedy}\n"
        "\n"
        f"{make.FIRST}: would not boot (1 error)\n"
    )


def test_one_cell_and_nothing_wrong() -> None:
    assert text() == f"{make.FIRST}: nothing stands in its way\n"


def test_several_cells() -> None:
    said = render(make.report(), Look())
    assert re.findall(r"^(\w+):.*\[(.*)\]$", said, re.MULTILINE) == [
        ("error", "init.missing"), ("warning", "identity.machine-id"), ("note", "drivers.unknown"),
    ]  # fmt: skip
    assert f"    for {make.FIRST}, {make.SECOND}\n" in said
    rules = len(make.report().rules)
    assert said.splitlines()[-4:] == [
        f"{make.FIRST}: would not boot (1 error, 1 warning)",
        f"{make.SECOND}: nothing stands in its way (1 warning, 1 note)",
        f"{make.THIRD}: nothing stands in its way",
        f"3 checked by {rules} rules, 1 refused: 1 error, 1 warning, 1 note",
    ]


def test_what_holds_for_all_names_none() -> None:
    both = (make.looked(make.FIRST, make.MACHINE_ID), make.looked(make.SECOND, make.MACHINE_ID))
    assert "    for " not in render(make.report(*both), Look())


def test_a_rule_that_is_broken_twice_says_why_once() -> None:
    other = make.finding("init.missing", where="x@sha256:0: /init")
    said = text(make.MISSING, other)
    assert (said.count("  why: "), said.count("  remedy: ")) == (1, 1)
    assert f"  {other.where}\n    {other.message}\n" in said


def test_remedies_that_differ_stand_with_their_places() -> None:
    other = make.finding("init.missing", where="x@sha256:0: /init", remedy="link it")
    said = text(make.MISSING, other)
    assert f"    remedy: {make.MISSING.remedy}\n" in said
    assert "    remedy: link it\n" in said
    assert "\n  remedy: " not in said


def test_a_rule_that_is_milder_in_places_stands_under_both() -> None:
    said = text(make.MISSING, make.finding("init.missing", Severity.WARNING, where="x@sha256:0: /init"))
    assert re.findall(r"^(\w+):.*\[init\.missing\]$", said, re.MULTILINE) == ["error", "warning"]


def test_a_finding_of_a_rule_that_nobody_declared_is_said_all_the_same() -> None:
    assert text(make.finding("their.rule", message="it is odd")).startswith("error: it is odd [their.rule]\n")


def test_strict() -> None:
    assert text(make.MACHINE_ID).endswith(f"{make.FIRST}: nothing stands in its way (1 warning)\n")
    assert text(make.MACHINE_ID, strict=True).endswith(f"{make.FIRST}: has warnings (1 warning)\n")


def test_colour_adds_nothing_else() -> None:
    plain, coloured = render(make.report(), Look()), render(make.report(), Look(colour=True))
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain != coloured
