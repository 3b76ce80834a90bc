"""docs/checks.md says what the rules say."""

from __future__ import annotations

import re

import pytest

from bootworthy.checks import rule
from bootworthy.checks.reports import format as formats
from tests import check_page
from tests.check_page import PAGE, Ran


def test_the_page_has_the_rules_that_there_are() -> None:
    text = PAGE.read_text()
    assert check_page.replaced(text, "rules", check_page.rules(rule.known())) == text, "write it again: make docs"


def test_every_rule_is_a_row() -> None:
    rows = re.findall(r"^\| `([a-z.-]+)` \| (\w+) \|", check_page.rules(rule.known()), re.MULTILINE)
    every = [each for check in rule.known().values() for each in check.rules]
    assert sorted(rows) == sorted((each.id, each.severity.value) for each in every)


def test_every_format_is_named() -> None:
    assert all(f"| `{name}` |" in PAGE.read_text() for name in formats.known())


def test_a_bar_does_not_end_a_cell() -> None:
    ran = Ran(name="a|b", seen="healthy", errors=(), others=("x.y", "x.z"))
    assert check_page.runs([ran], 3, "2026-01-02").splitlines()[-2] == r"| `a\|b` | healthy | none | `x.y`, `x.z` |"


def test_a_block_that_is_not_there_is_not_written() -> None:
    with pytest.raises(AssertionError, match="0 blocks"):
        check_page.replaced("text\n", "rules", "new\n")
    assert check_page.replaced("a\n<!-- x -->\nold\n<!-- /x -->\nb\n", "x", "new\n") == (
        "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n"
    )
