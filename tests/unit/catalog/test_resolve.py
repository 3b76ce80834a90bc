"""What is resolved meets every need, and what is refused cannot be met; with the built-in catalogs and made ones."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy import catalog as catalogs
from bootworthy.catalog.constraints import constraints
from bootworthy.catalog.dates import as_of
from bootworthy.catalog.entries import Catalog, Cell, Kernel, Machine, Remarks, System, When
from bootworthy.catalog.loading import builtin_names
from bootworthy.catalog.needs import Needs
from bootworthy.catalog.refusal import Refusal
from bootworthy.catalog.resolve import Resolution, resolve
from bootworthy.catalog.versions import Version, VersionRange
from bootworthy.vocabulary import Architecture, Support

DAY = date(2026, 8, 1)
BUILTIN = {name: catalogs.load(f"builtin:{name}", Path()) for name in builtin_names()}
EITHER = When(
    any_of=(When(versions={"one": VersionRange.parse("<2")}), When(versions={"two": VersionRange.parse("<2")}))
)
SINCE = {"one": VersionRange.parse(">=2"), "two": VersionRange.parse(">=2")}


def meets(cell: Cell, needs: Needs) -> bool:
    """Whether a cell meets needs, seen without the rules that chose it."""
    release, brought = cell.kernel.release, cell.system.software.get("kubernetes")
    versions = {name: Version(version) for name, version in needs.versions.items()}
    return (
        (not needs.system or needs.system in {cell.system.name, cell.system.family})
        and (needs.architecture is None or cell.machine.architecture is needs.architecture)
        and (not needs.vmm or cell.machine.vmm == needs.vmm)
        and (not needs.machine or cell.machine.name == needs.machine)
        and set(needs.provides) <= cell.machine.provides | cell.system.provides
        and (not needs.variant or cell.system.variant == needs.variant)
        and (not needs.kernel or needs.kernel == cell.kernel.name or _begins(release, needs.kernel, cell, "kernel"))
        and (not needs.kubernetes or _begins(brought, needs.kubernetes, cell, "kubernetes"))
        and not (cell.remarks.when and _excluded(cell.remarks.when, versions))
    )


def _begins(found: str | None, asked: str, cell: Cell, variable: str) -> bool:
    if not found:
        return any(f"${{{variable}}}" in reference for reference in cell.images.values())
    return f"{found}.".startswith(f"{asked}.")


def _excluded(when: When, versions: Mapping[str, Version]) -> bool:
    outside = any(name in versions and not within.contains(versions[name]) for name, within in when.versions.items())
    return outside or bool(when.any_of and all(_excluded(each, versions) for each in when.any_of))


def asked_of(catalog: Catalog) -> st.SearchStrategy[Needs]:
    """Needs in the words of a catalog, met or not."""

    def some(values: set[str]) -> st.SearchStrategy[str]:
        return st.sampled_from(["", *sorted(values - {""})])

    systems, machines = catalog.systems.values(), catalog.machines.values()
    brought = {each.software.get("kubernetes", "") for each in systems}
    provided = sorted(
        {thing for each in systems for thing in each.provides} | {thing for each in machines for thing in each.provides}
    )
    return st.builds(
        Needs, system=some({*catalog.systems, *(each.family for each in systems)}),
        architecture=st.none() | st.sampled_from(Architecture), vmm=some({each.vmm for each in machines}),
        machine=some(set(catalog.machines)),
        provides=st.lists(st.sampled_from(provided), max_size=2, unique=True).map(tuple) if provided else st.just(()),
        kubernetes=some(brought | {each.rpartition(".")[0] for each in brought} | {"1.30"}),
        variant=some({each.variant for each in systems}),
        kernel=some({*catalog.kernels, *(each.release for each in catalog.kernels.values())}),
        versions=st.dictionaries(st.sampled_from(["capmvm", "flintlock", "one", "two"]), st.sampled_from(["0.4", "2"])),
    )  # fmt: skip


@st.composite
def made(draw: st.DrawFn) -> Catalog:
    """A catalog of a few cells, with every kind of remark."""
    names = st.sampled_from(["a", "a-1", "a-2.0", "b", "b-a"])
    dates = st.none() | st.sampled_from(["2020", "2026-08", "2026-08-01", "2031"])
    remarks = st.builds(
        Remarks, since=dates, until=dates, inferred=st.booleans(), source=st.sampled_from(["", "page"]),
        when=st.none() | st.just(EITHER) | st.just(When(versions=SINCE)),
    )  # fmt: skip
    systems = draw(st.dictionaries(names, st.tuples(
        st.sampled_from(["", "a", "b"]), st.sampled_from(["", "x", "y"]), st.booleans(),
        st.dictionaries(st.just("kubernetes"), st.sampled_from(["1.22.3", "1.23.5"])),
        st.frozensets(st.just("mesh")), dates,
        st.sampled_from([{}, {"root": "h/r:1"}, {"root": "h/r:${kubernetes}"}]),
    ), min_size=1, max_size=3))  # fmt: skip
    made_systems = {
        name: System(
            name=name, family=family, variant=variant, rolling=rolling, software=software, provides=provides,
            end_of_life=end, images=images,
        )
        for name, (family, variant, rolling, software, provides, end, images) in systems.items()
    }  # fmt: skip
    releases = draw(st.lists(st.sampled_from(["4.19.215", "5.10.77", ""]), min_size=1, unique=True))
    kernels = {f"k{index}": Kernel(name=f"k{index}", release=each) for index, each in enumerate(releases)}
    machines = {
        f"{vmm}-{architecture}": Machine(
            name=f"{vmm}-{architecture}", vmm=vmm, architecture=architecture, prefer=draw(st.integers(0, 1)),
            provides=draw(st.frozensets(st.just("pci"))), hardware=vmm == "rpi4",
        )
        for vmm, architecture in itertools.product(["firecracker", "rpi4"], Architecture)
    }  # fmt: skip
    parts = itertools.product(made_systems.values(), kernels.values(), machines.values())
    cells = tuple(
        Cell(system=system, kernel=kernel, machine=machine, support=support, remarks=draw(remarks))
        for system, kernel, machine in parts
        if (support := draw(st.none() | st.sampled_from(Support)))
    )
    return Catalog(
        name="made", systems=made_systems, kernels=kernels, machines=machines, rows=(), cells=cells, source="made"
    )


@pytest.mark.parametrize("name", BUILTIN)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_a_built_in_catalog_keeps_its_word(name: str, data: st.DataObject) -> None:
    hold(BUILTIN[name], data.draw(asked_of(BUILTIN[name])))


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_any_catalog_keeps_its_word(data: st.DataObject) -> None:
    catalog = data.draw(made())
    hold(catalog, data.draw(asked_of(catalog)))


def hold(catalog: Catalog, needs: Needs) -> None:
    offered = [cell for cell in as_of(catalog, DAY).cells if cell.support.buildable]
    found = resolve(catalog, needs, DAY)
    if isinstance(found, Resolution):
        hold_resolved(found, needs, offered)
    else:
        hold_refused(catalog, found, needs, offered)


def hold_resolved(found: Resolution, needs: Needs, offered: list[Cell]) -> None:
    fitting = [found.cell, *(other.cell for other in found.others)]
    assert all(cell in offered and meets(cell, needs) for cell in fitting)
    assert len({cell.name for cell in fitting}) == len(fitting)
    assert all(other.why for other in found.others)
    assert set(found.images) == (set(found.cell.images) or {"bundle"})
    assert {reason.what for reason in found.why} >= {"cell", "system", "kernel", "machine", *found.images}


def hold_refused(catalog: Catalog, found: Refusal, needs: Needs, offered: list[Cell]) -> None:
    asked = {each.asked: each for each in constraints(needs, catalog)}
    at_odds = [asked[need] for need in found.conflict]
    assert not any(all(each.fits(cell) for each in at_odds) for cell in offered)
    for fewer in itertools.combinations(at_odds, max(len(at_odds) - 1, 0)):
        assert not at_odds or any(all(each.fits(cell) for each in fewer) for cell in offered)
    assert not any(cell in offered for cell in found.withheld)
    for near in found.nearest:
        again = resolve(catalog, near.needs, DAY)
        assert isinstance(again, Resolution), near.needs
        assert near.cell in [again.cell, *(other.cell for other in again.others)]
        assert near.changes
        assert near.needs != needs


@pytest.mark.parametrize("name", BUILTIN)
def test_a_pci_device_is_never_given_to_firecracker(name: str) -> None:
    found = resolve(BUILTIN[name], Needs(provides=("pci",)), DAY)
    if isinstance(found, Resolution):
        assert "firecracker" not in {each.machine.vmm for each in (found.cell, *(other.cell for other in found.others))}
    refused = resolve(BUILTIN[name], Needs(provides=("pci",), vmm="firecracker"), DAY)
    assert isinstance(refused, Refusal)


def test_the_answer_does_not_hang_on_the_order_of_the_needs() -> None:
    slicer = BUILTIN["slicer"]
    one = resolve(slicer, Needs(system="ubuntu", vmm="firecracker"), DAY)
    other = resolve(slicer, Needs(vmm="firecracker", system="ubuntu"), DAY)
    assert one == other


def test_the_day_decides_what_there_is() -> None:
    system = System(name="s", end_of_life="2026-07", images={"root": "h/r:1@sha256:" + "0" * 64})
    machine = Machine(name="m", vmm="firecracker", architecture=Architecture.X86_64)
    cell = Cell(
        system=system, kernel=Kernel(name="k"), machine=machine, support=Support.SUPPORTED,
        remarks=Remarks(since="2020", until="2026", source="a page"),
    )  # fmt: skip
    catalog = Catalog(
        name="c", systems={"s": system}, kernels={}, machines={"m": machine}, rows=(), cells=(cell,), source="c"
    )
    found = resolve(catalog, Needs(), DAY)
    assert isinstance(found, Resolution)
    assert [each.code for each in found.cautions] == ["resolve.end-of-life"]
    refused = resolve(catalog, Needs(), date(2027, 1, 1))
    assert isinstance(refused, Refusal)
    assert refused.message == "the catalog c offers nothing as of 2027-01-01"
    assert "s/k/m is not offered on that day, only from 2020 until 2026 (a page)" in refused.error().message
    assert refused.error().hint == "nothing comes near"
