"""Every rule there is, over something that breaks it and the same when it does not (`tests/check_cases`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.checks import rule, run
from bootworthy.checks.rule import Rule
from tests import check_cases

RULES = {each.id: each for family in rule.known().values() for each in family.rules}
CASES = {id_: case for cases in check_cases.known().values() for id_, case in cases.items()}


def test_every_family_has_cases_for_exactly_its_rules() -> None:
    """A rule without a case may be one that never fires, or always."""
    families = {name: {each.id for each in family.rules} for name, family in rule.known().items()}
    assert {name: set(cases) for name, cases in check_cases.known().items()} == families


@pytest.mark.parametrize("id_", sorted(CASES))
def test_it_is_broken(tmp_path: Path, id_: str) -> None:
    found = [each for each in run.run(CASES[id_].breaks(tmp_path)) if each.id == id_]
    assert found
    assert found[0].severity is RULES[id_].severity
    assert all(each.message and each.where and each.remedy for each in found)


@pytest.mark.parametrize("id_", sorted(CASES))
def test_it_is_kept(tmp_path: Path, id_: str) -> None:
    assert id_ not in {each.id for each in run.run(CASES[id_].keeps(tmp_path))}


@pytest.mark.parametrize("each", RULES.values(), ids=lambda each: each.id)
def test_it_says_what_why_and_what_to_do(each: Rule) -> None:
    assert each.title
    assert each.why.endswith((".", "`."))
    assert each.remedy
