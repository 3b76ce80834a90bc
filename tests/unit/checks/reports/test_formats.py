"""What holds for every format."""

from __future__ import annotations

import pytest

from bootworthy.checks.reports import format as formats
from bootworthy.checks.reports.format import Look
from bootworthy.errors import UsageError
from tests import check_reports as make


def test_every_format_is_found_by_its_file() -> None:
    assert set(formats.known()) >= {"json", "junit", "sarif", "text"}


@pytest.mark.parametrize("name", sorted(formats.known()))
def test_the_same_report_gives_the_same_text(name: str) -> None:
    first, second = (formats.find(name).render(make.report(), Look()) for _ in range(2))
    assert first == second
    assert first.endswith("\n")
    assert not first.endswith("\n\n")


@pytest.mark.parametrize("name", sorted(formats.known()))
def test_every_finding_and_every_cell_is_in_it(name: str) -> None:
    text = formats.find(name).render(make.report(), Look())
    for finding in (make.MISSING, make.MACHINE_ID, make.UNKNOWN):
        assert finding.id in text
        assert finding.message in text
    assert make.FIRST in text
    assert make.SECOND in text


def test_an_unknown_format_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        formats.find("sarf")
    assert (caught.value.code, caught.value.hint) == ("check.unknown-format", "did you mean sarif?")
    with pytest.raises(UsageError) as caught:
        formats.find("?")
    assert caught.value.hint == f"one of {', '.join(formats.known())}"
