from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bootworthy.catalog.cautions import cautions
from bootworthy.catalog.entries import (
    Access,
    Catalog,
    Cell,
    GuestSeries,
    Kernel,
    Machine,
    Remarks,
    System,
    When,
)
from bootworthy.catalog.versions import VersionRange
from bootworthy.vocabulary import Architecture, Support

DAY = date(2026, 8, 1)
PINNED = "h/r@sha256:" + "0" * 64
SYSTEM = System(name="s", images={"root": PINNED})
MACHINE = Machine(name="m", vmm="qemu-microvm", architecture=Architecture.X86_64)
CELL = Cell(system=SYSTEM, kernel=Kernel(name="k", release="5.10.77"), machine=MACHINE, support=Support.SUPPORTED)
SERIES = (
    GuestSeries(series="5.10", remarks=Remarks(until="2024-01", source="policy")),
    GuestSeries(series="6.1", remarks=Remarks(since="2024", source="policy")),
)


def codes(
    cell: Cell, images: dict[str, str] | None = None, *, day: date = DAY, access: Access = Access.OPEN
) -> list[str]:
    catalog = Catalog(
        name="c", systems={"s": cell.system}, kernels={"k": cell.kernel}, machines={"m": cell.machine}, rows=(),
        cells=(cell,), source="c", access=access,
    )  # fmt: skip
    found = cautions(catalog, cell, cell.images if images is None else images, {}, day)
    assert all(each.message for each in found)
    return [each.code.removeprefix("resolve.") for each in found]


def test_nothing_is_said_of_what_is_well() -> None:
    assert codes(CELL) == []


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        (replace(CELL, support=Support.BEST_EFFORT), "best-effort"),
        (replace(CELL, support=Support.EXPERIMENTAL), "experimental"),
        (replace(CELL, support=Support.LEGACY), "legacy"),
        (replace(CELL, system=replace(SYSTEM, end_of_life="2026-07")), "end-of-life"),
        (replace(CELL, kernel=replace(CELL.kernel, end_of_life="2025")), "end-of-life"),
        (replace(CELL, system=replace(SYSTEM, rolling=True)), "moving"),
        (replace(CELL, kernel=replace(CELL.kernel, remarks=Remarks(inferred=True))), "inferred"),
        (replace(CELL, remarks=Remarks(when=When(versions={"x": VersionRange.parse("1")}))), "assumed"),
        (replace(CELL, machine=replace(MACHINE, guests=SERIES)), "kernel-series"),
        (replace(CELL, machine=replace(MACHINE, vmm="firecracker")), "kernel-series"),
    ],
)  # fmt: skip
def test_what_somebody_should_know(cell: Cell, code: str) -> None:
    assert codes(cell) == [code]


def test_support_of_a_kernel_series_has_its_days() -> None:
    cell = replace(CELL, machine=replace(MACHINE, guests=SERIES))
    assert codes(cell, day=date(2024, 1, 31)) == []
    assert codes(replace(cell, kernel=replace(cell.kernel, release="6.1.90"))) == []
    assert codes(replace(cell, kernel=replace(cell.kernel, release="6.18.1"))) == ["kernel-series"]
    assert codes(replace(cell, kernel=replace(cell.kernel, release=""))) == []


def test_an_end_of_life_is_inside() -> None:
    cell = replace(CELL, system=replace(SYSTEM, end_of_life="2026-08-01"))
    assert codes(cell) == []
    assert codes(cell, day=date(2026, 8, 2)) == ["end-of-life"]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("h/r:1.2.3", []), ("h/r", ["moving"]), ("h:5000/r", ["moving"]), ("h/r:latest", ["moving"]),
        ("h/r:5.10-x86_64-latest", ["moving"]), ("h/r:stable_1", ["moving"]), ("h/r:latestish", []),
        ("h/r:latest@sha256:" + "0" * 64, []), ("h/r:${version}", ["open"]),
    ],
)  # fmt: skip
def test_references_that_move_or_are_open(reference: str, said: list[str]) -> None:
    assert codes(replace(CELL, system=System(name="s", images={"root": reference}))) == said


def test_a_pattern_that_was_filled_in_is_nobodys_word() -> None:
    cell = replace(CELL, system=System(name="s", images={"root": "h/r:${version}-${arch}"}))
    assert codes(cell, {"root": "h/r:1-x86_64"}) == ["unlisted"]
    machines = replace(cell, system=System(name="s", images={"root": "h/r:1-${arch}"}))
    assert codes(machines, {"root": "h/r:1-x86_64"}) == []


def test_what_is_listed_for_reference_is_not_fetched() -> None:
    assert codes(CELL, access=Access.REFERENCE_ONLY) == ["reference-only"]
