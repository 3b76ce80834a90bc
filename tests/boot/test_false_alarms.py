"""No cell that boots healthy has an error, and docs/checks.md says what the rules say of those that are built.

`BOOTWORTHY_DOCS=write` writes that table again instead of comparing it.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests import check_page
from tests.check_page import PAGE, Ran
from tests.command import Command

DAY = "2026-11-01"
"""Support ends on days; the table is of this one."""


@pytest.fixture(scope="module")
def checked(home: Command, proved: dict[str, Any]) -> dict[str, Any]:
    """All that is said of every cell of the built-in catalog."""
    found: dict[str, Any] = json.loads(home("check", "--json", "--at", DAY, timeout=1200).text)
    return found


@pytest.fixture(scope="module")
def ran(checked: dict[str, Any], proved: dict[str, Any]) -> list[Ran]:
    """The rows of the table."""

    def ids(cell: dict[str, Any], *, errors: bool) -> tuple[str, ...]:
        found = (each["id"] for each in cell["findings"] if (each["severity"] == "error") is errors)
        return tuple(dict.fromkeys(found))

    def seen(cell: dict[str, Any]) -> str:
        proof = proved.get(cell["cell"])
        return f"{proof['evidence']['verdict']} in {cell['vmm']}" if proof else "not booted here"

    return [
        Ran(name=cell["cell"], seen=seen(cell), errors=ids(cell, errors=True), others=ids(cell, errors=False))
        for cell in checked["checked"]
    ]


def test_what_is_healthy_has_no_error(ran: list[Ran]) -> None:
    healthy = [each for each in ran if each.seen.startswith("healthy")]
    assert len(healthy) == 2
    assert [each for each in healthy if each.errors] == []


def test_the_table_says_so(checked: dict[str, Any], ran: list[Ran]) -> None:
    text = PAGE.read_text()
    now = check_page.replaced(text, "runs", check_page.runs(ran, len(checked["rules"]), DAY))
    if os.environ.get("BOOTWORTHY_DOCS") == "write":
        PAGE.write_text(now)
    assert now == PAGE.read_text(), "write it again: BOOTWORTHY_DOCS=write pytest tests/boot/test_false_alarms.py"
