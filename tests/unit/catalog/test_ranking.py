from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bootworthy.catalog.entries import Catalog, Cell, Kernel, Machine, Remarks, System, When
from bootworthy.catalog.needs import Needs
from bootworthy.catalog.resolve import Resolution, resolve
from bootworthy.catalog.versions import VersionRange
from bootworthy.vocabulary import Architecture, Support

DAY = date(2026, 8, 1)
FIRST = Machine(name="first", vmm="firecracker", architecture=Architecture.X86_64)
SECOND = replace(FIRST, name="second")
SHUNNED = replace(FIRST, name="shunned", prefer=-1)
SYSTEM = System(name="s", software={"kubernetes": "1.9.0"})
BEST = Cell(system=SYSTEM, kernel=Kernel(name="k", release="5.9"), machine=FIRST, support=Support.SUPPORTED)
NEW = Remarks(when=When(versions={"capmvm": VersionRange.parse(">1")}))


def chosen(*cells: Cell, versions: dict[str, str] | None = None) -> Resolution:
    catalog = Catalog(
        name="c", systems={cell.system.name: cell.system for cell in cells},
        kernels={cell.kernel.name: cell.kernel for cell in cells},
        machines={each.name: each for each in (FIRST, SECOND, SHUNNED)}, rows=(), cells=cells, source="c",
    )  # fmt: skip
    found = resolve(catalog, Needs(versions=versions or {}), DAY)
    assert isinstance(found, Resolution)
    return found


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (replace(BEST, support=Support.BEST_EFFORT), "best-effort, not supported"),
        (replace(BEST, support=Support.LEGACY), "legacy, not supported"),
        (replace(BEST, system=replace(SYSTEM, name="t", end_of_life="2026-07")), "t has ended"),
        (replace(BEST, system=replace(SYSTEM, name="t", rolling=True)), "its base moves"),
        (replace(BEST, machine=SHUNNED), "the catalog prefers first"),
        (replace(BEST, machine=SECOND), "the catalog has first first"),
        (replace(BEST, system=System(name="t", software={"kubernetes": "1.8.11"})), "Kubernetes 1.8.11, not 1.9.0"),
        (replace(BEST, system=System(name="t")), "Kubernetes unknown, not 1.9.0"),
        (replace(BEST, kernel=Kernel(name="l", release="5.8.100")), "kernel 5.8.100, not 5.9"),
        (replace(BEST, kernel=Kernel(name="l")), "kernel unknown, not 5.9"),
    ],
)  # fmt: skip
def test_why_not_the_other(other: Cell, why: str) -> None:
    for cells in ((BEST, other), (other, BEST)):
        found = chosen(*cells)
        assert found.cell == BEST
        assert [(each.cell, each.why) for each in found.others] == [(other, why)]


def test_the_order_of_the_catalog_comes_last() -> None:
    other = replace(BEST, system=replace(SYSTEM, name="t"))
    for cells in ((BEST, other), (other, BEST)):
        found = chosen(*cells)
        assert found.cell == cells[0]
        assert [each.why for each in found.others] == ["it comes later in the catalog"]


def test_what_is_meant_for_the_versions_named_comes_first() -> None:
    meant = replace(BEST, system=replace(SYSTEM, name="t"), support=Support.LEGACY, remarks=NEW)
    assert chosen(BEST, meant).cell == BEST
    found = chosen(BEST, meant, versions={"capmvm": "2"})
    assert found.cell == meant
    assert [each.why for each in found.others] == ["it is not meant for the versions named"]
