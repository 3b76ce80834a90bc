import re
from dataclasses import replace

import pytest

from bootworthy.matrix import format as formats
from bootworthy.matrix._text import width
from bootworthy.matrix.format import Look
from bootworthy.matrix.mark import Mark
from tests import matrices

SGR = re.compile(r"\x1b\[[0-9;]*m")


def table(**look: object) -> str:
    return formats.find("table").render(matrices.matrix(), Look(**look))  # type: ignore[arg-type]


@pytest.mark.parametrize("columns", [30, 46, 60, 79, 80, 100, 132, 250])
def test_it_fits(columns: int) -> None:
    assert max(map(width, table(width=columns).splitlines())) <= columns


@pytest.mark.parametrize("columns", [46, 80, 200])
def test_every_cell_is_there_once(columns: int) -> None:
    text = table(width=columns)
    for mark in Mark:
        if mark is not Mark.HEALTHY:
            assert text.count(f"{mark.symbol()} {mark}") == 1, mark
    assert len(re.findall("[✔✓] healthy", text)) == 2


def test_eighty_columns_hold_three_machines() -> None:
    assert sum(line.startswith("─") for line in table(width=80).splitlines()) == 1
    assert sum(line.startswith("─") for line in table(width=79).splitlines()) == 1
    assert sum(line.startswith("─") for line in table(width=60).splitlines()) == 2
    assert "qemu-microvm-x86_64  firecracker-x86_64   x86_64" in table(width=80)


def test_emulation_has_another_tick_and_a_word() -> None:
    lines = table(width=200).splitlines()
    assert sum("✓ healthy, emulated" in line for line in lines) == 1
    assert sum("✔ healthy" in line and "✔ healthy, emulated" not in line for line in lines) == 1
    assert "qemu-microvm 10.0.2, TCG" in table(width=200)
    assert "firecracker 1.13.1, KVM" in table(width=200)
    assert "emulated: QEMU's TCG" in table(width=200)


def test_a_cell_says_promise_date_tally_and_stand_ins() -> None:
    text = table(width=200)
    for words in ("supported", "2026-03-01", "2 of 2 healthy", "healthy in qemu-microvm,", "stale: was healthy"):
        assert words in text
    assert "2 of 8 cells healthy (1 emulated)" in text


def test_reasons_and_notes_stand_below() -> None:
    text = table(width=200)
    assert "debian-12/debian-6.1/cloud-hypervisor-x86_64: it ran on cloud-hypervisor 48.0" in text
    assert "debian-12-web/debian-6.1/cloud-hypervisor-x86_64: waits for PCI" in text


def test_colour_changes_nothing_but_colour() -> None:
    coloured = table(colour=True)
    assert SGR.sub("", coloured) == re.sub(" +$", "", SGR.sub("", coloured), flags=re.MULTILINE) == table()
    assert coloured != table()


def test_without_unicode_it_is_ascii() -> None:
    text = table(unicode=False)
    assert text.isascii()
    assert "~ healthy, emulated" in text
    assert "+ healthy" in text


def test_titles_cannot_write_to_the_terminal() -> None:
    text = formats.find("table").render(matrices.hostile("\x1b[2J\x1b]0;owned\x07\r\nx\u202ey"), Look(width=100))
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)


@pytest.mark.parametrize("name", ["table", "markdown", "html"])
def test_no_cells_is_said(name: str) -> None:
    none = replace(matrices.matrix(), rows=(), columns=(), tiles={})
    assert "No cells." in formats.find(name).render(none, Look())
    assert "No cells." not in formats.find(name).render(matrices.matrix(), Look())
