"""Every rule says what it should of a document that breaks it, and nothing of one that is as near."""

from __future__ import annotations

from datetime import date

import pytest

from bootworthy.catalog.versions import Version
from bootworthy.targets.lint import rule
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.documents import read_text
from bootworthy.targets.lint.rule import Fault
from bootworthy.targets.lint.run import run
from tests import lint_cases
from tests.lint_cases import CASES, Case

AT = date(2026, 1, 1)
EVERY = [(id_, case) for id_, cases in CASES.items() for case in cases]
RULES = {each.id: each for family in rule.known().values() for each in family.rules}


def found(case: Case) -> tuple[Fault, ...]:
    asked = Asked(at=AT, versions={name: Version(text) for name, text in case.wanted.items()})
    return run(read_text(case.name, case.text), asked)


@pytest.mark.parametrize(("id_", "case"), EVERY, ids=[f"{id_}: {case.what}" for id_, case in EVERY])
def test_a_rule_is_broken_where_it_is(id_: str, case: Case) -> None:
    assert any(fault.rule.id == id_ for fault in found(case)) is case.broken


def test_every_rule_has_both_kinds_of_documents() -> None:
    assert set(CASES) == {id_ for id_, each in RULES.items() if not each.images}
    assert all({case.broken for case in cases} == {True, False} for cases in CASES.values())


@pytest.mark.parametrize("make", [lint_cases.spec, lint_cases.cloud_hypervisor, lint_cases.template])
def test_what_the_cases_are_made_from_breaks_no_rule(make: object) -> None:
    assert callable(make)
    case = lint_cases._json("clean", make(), broken=False)
    assert [(fault.rule.id, fault.message) for fault in found(case)] == []


@pytest.mark.parametrize(("id_", "case"), EVERY, ids=[f"{id_}: {case.what}" for id_, case in EVERY])
def test_faults_stand_in_the_text_and_are_no_worse_than_their_rule(id_: str, case: Case) -> None:
    order = ["note", "warning", "error"]
    for fault in found(case):
        assert 0 <= fault.span.start <= fault.span.end <= len(case.text)
        assert order.index(fault.severity) <= order.index(fault.rule.severity)
        assert fault.message
        assert fault.rule.fixed or not fault.edits


def test_a_position_is_that_of_the_value() -> None:
    text = "kind: MicrovmMachineTemplate\nspec:\n  template:\n    spec:\n      vcpu: 2\n      memoryMb: 512\n"
    source = read_text("t.yaml", text)
    (fault,) = [each for each in run(source, Asked(at=AT)) if "memoryMb" in each.message]
    assert (source.where(fault.span), source.written(fault.span)) == ("t.yaml:6:17", "512")


def test_a_default_in_a_variable_is_looked_at() -> None:
    kernel = "${MVM_KERNEL_IMAGE:=ghcr.io/liquidmetal-dev/kernel-bin:4.19.215}"
    made = lint_cases.changed(lint_cases.template(), ("spec/template/spec/kernel/image", kernel))
    ids = {fault.rule.id for fault in found(lint_cases._yaml("", made, broken=True))}
    assert {"LM-006", "LM-007", "LM-029", "LM-026", "LM-040"} <= ids
