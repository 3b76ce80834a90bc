from dataclasses import replace

import pytest

from bootworthy import catalog
from bootworthy.errors import InternalError
from bootworthy.matrix.mark import Mark
from bootworthy.matrix.model import build, falls_short
from bootworthy.vocabulary import Accelerator, Standing
from tests import matrices


def test_rows_and_columns_are_in_the_order_of_the_catalog() -> None:
    matrix = matrices.matrix()
    assert [(row.system.name, row.kernel.name) for row in matrix.rows] == [
        ("debian-12", "debian-6.1"), ("debian-12-web", "debian-6.1"), ("debian-13", "debian-6.1"),
        ("debian-13", "debian-6.12"),
    ]  # fmt: skip
    assert [machine.vmm for machine in matrix.columns] == ["qemu-microvm", "firecracker", "cloud-hypervisor"]
    assert [tile is not None for _, tile in matrix.across(matrix.rows[-1])] == [True, False, False]


def test_the_sample_has_every_mark() -> None:
    assert {tile.mark for tile in matrices.matrix().tiles.values()} == set(Mark)


def test_only_what_is_asked_for_has_rows_and_columns() -> None:
    whole = matrices.matrix()
    loaded = catalog.load_text(matrices.TEXT, "x")
    part = build(loaded, [tile for tile in whole.tiles.values() if tile.cell.machine.vmm == "firecracker"])
    assert [machine.vmm for machine in part.columns] == ["firecracker"]
    assert len(part.rows) == 3


def test_a_machine_that_is_in_no_catalog_comes_last() -> None:
    tile = next(iter(matrices.matrix().tiles.values()))
    other = replace(tile, cell=replace(tile.cell, machine=replace(tile.cell.machine, name="mine")))
    matrix = build(catalog.load_text(matrices.TEXT, "x"), [other, tile])
    assert [machine.name for machine in matrix.columns] == ["qemu-microvm-x86_64", "mine"]


def test_a_cell_that_comes_twice_is_our_bug() -> None:
    tile = next(iter(matrices.matrix().tiles.values()))
    with pytest.raises(InternalError, match="twice"):
        build(catalog.load_text(matrices.TEXT, "x"), [tile, tile])


def test_a_gate_names_supported_cells_that_fall_short() -> None:
    short = falls_short(matrices.matrix(), Standing.HEALTHY)
    assert [tile.cell.name for tile in short] == [
        "debian-12/debian-6.1/firecracker-x86_64",  # its images were healthy in QEMU, which raises nothing here
        "debian-12/debian-6.1/cloud-hypervisor-x86_64",
        "debian-13/debian-6.12/qemu-microvm-x86_64",
    ]
    checked = falls_short(matrices.matrix(), Standing.CHECKED)
    assert [tile.mark for tile in checked] == [Mark.STALE, Mark.DECLARED]


def test_emulation_is_told_of_what_was_booted_here_only() -> None:
    tiles = matrices.matrix().tiles
    assert tiles["debian-12/debian-6.1/qemu-microvm-x86_64"].emulated
    elsewhere = tiles["debian-12/debian-6.1/firecracker-x86_64"]
    assert not elsewhere.emulated
    assert [(other.vmm, other.accelerator) for other in elsewhere.stand_ins] == [("qemu-microvm", Accelerator.TCG)]
    assert not tiles["debian-13/debian-6.1/firecracker-x86_64"].emulated
