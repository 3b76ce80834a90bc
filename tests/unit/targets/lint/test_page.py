"""docs/lint.md says what the rules say."""

from __future__ import annotations

from bootworthy.targets.lint import rule
from tests import lint_page
from tests.check_page import replaced


def test_the_rules_on_the_page_are_the_rules() -> None:
    page = lint_page.PAGE.read_text()
    assert replaced(page, "rules", lint_page.rules(rule.known())) == page, "run: make docs"
    assert all(f"| {each.id} " in page for family in rule.known().values() for each in family.rules)
