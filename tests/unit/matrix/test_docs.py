"""What docs/matrix.md says is what is shown."""

from pathlib import Path

import pytest

from bootworthy.matrix import format as formats
from bootworthy.matrix.mark import EMULATED, Mark
from bootworthy.vocabulary import Support

PAGE = (Path(__file__).parents[3] / "docs" / "matrix.md").read_text()


@pytest.mark.parametrize("mark", [mark for mark in Mark if mark not in {Mark.PLANNED, Mark.UNAVAILABLE}])
def test_every_standing_is_in_the_table_with_its_marks(mark: Mark) -> None:
    assert f"| {mark.symbol()} | `{mark.symbol(ascii_only=True)}` | `{mark}` | {mark.meaning}" in PAGE


@pytest.mark.parametrize("mark", [Mark.PLANNED, Mark.UNAVAILABLE])
def test_promises_that_are_marks(mark: Mark) -> None:
    assert f"{mark.symbol()} (`{mark.symbol(ascii_only=True)}`) `{mark}`" in PAGE


def test_emulation() -> None:
    tick = Mark.HEALTHY.symbol(emulated=True)
    assert f"| {tick} | `{Mark.HEALTHY.symbol(emulated=True, ascii_only=True)}` | `healthy, {EMULATED}` |" in PAGE


def test_every_promise_and_every_format_is_named() -> None:
    assert all(f"`{support}`" in PAGE for support in Support)
    assert all(f"| `{name}` |" in PAGE for name in formats.known())
