import re

from hypothesis import given
from hypothesis import strategies as st

from bootworthy.matrix import format as formats
from bootworthy.matrix.format import Look
from bootworthy.matrix.mark import Mark
from bootworthy.matrix.markdown import escape
from tests import matrices


def markdown() -> str:
    return formats.find("markdown").render(matrices.matrix(), Look())


def test_the_table() -> None:
    lines = markdown().splitlines()
    assert lines[:3] == ["## Example microVM images", "", "2 of 8 cells healthy (1 emulated)."]
    start = next(index for index, line in enumerate(lines) if line.startswith("|"))
    assert lines[start] == (
        "| System | Kernel | `qemu-microvm-x86_64` | `firecracker-x86_64` | `cloud-hypervisor-x86_64` |"
    )
    assert lines[start + 2] == (
        "| Debian 12<br>`debian-12` | `debian-6.1` "
        "| ✓ **healthy**, emulated<br>supported<br>2026-03-01<br>qemu-microvm 10.0.2, TCG<br>2 of 2 healthy "
        "| ○ **checked**<br>supported<br>healthy in qemu-microvm, emulated "
        "| ↻ **stale**: was healthy[^1]<br>supported<br>2026-03-01<br>cloud-hypervisor 48.0, KVM<br>1 of 1 healthy |"
    )


def test_every_row_has_the_same_cells_whatever_people_write() -> None:
    text = formats.find("markdown").render(matrices.hostile("a | b ` <script> [x](javascript:y) \n| c"), Look())
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 6
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}
    assert "<script>" not in text
    assert "[x](" not in text


def test_every_footnote_is_there() -> None:
    used = re.findall(r"\[\^(\d+)\](?!:)", markdown())
    told = re.findall(r"^\[\^(\d+)\]: .+$", markdown(), re.MULTILINE)
    assert sorted(set(used)) == sorted(told) == ["1", "2", "3", "4"]


def test_marks_in_it_are_explained() -> None:
    for mark in Mark:
        assert re.search(rf"^- \S+( \S+)? \*\*{mark}\*\*: ", markdown(), re.MULTILINE), mark
    assert "- ✔ ✓ **healthy**" in markdown()


@given(st.text())
def test_escaped_text_is_inert(text: str) -> None:
    escaped = escape(text)
    assert "\n" not in escaped
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]|~$#](?<!^\\)", re.sub(r"\\.", "", escaped))
    assert "<" not in escaped
    assert not re.match(r"[-+=]|\d+[.)]|>", escaped)
