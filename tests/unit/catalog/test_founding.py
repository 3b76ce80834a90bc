"""The built-in catalogs hold all that the founding pages state, and nothing else unless it is marked as added."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bootworthy import catalog as catalogs
from bootworthy.catalog import access, dates, flat
from bootworthy.catalog.entries import Catalog
from bootworthy.cli.main import run
from bootworthy.oci.reference import Reference
from bootworthy.vocabulary import Support
from tests import founding

_VERSION = re.compile(r"(?<![\w.-])v?\d+(?:\.\d+)*(?![\w.-])|\d{4}-\d{2}-\d{2}")

Cells = dict[str, tuple[Support, tuple[str, ...]]]


def load(name: str) -> Catalog:
    return catalogs.load(f"builtin:{name}", Path())


def expected(name: str) -> Cells:
    """Each cell of a page, by the name that it has with us, with its support and references."""
    said = founding.facts(name)
    return {"slicer": _slicer, "liquid-metal": _liquid_metal, "kairos": _kairos}[name](said)


def _slicer(said: dict[str, Any]) -> Cells:
    found: Cells = {}
    for system, row in said["cells"].items():
        for machine, reference in row.items():
            arch = machine.partition("(")[2].rstrip(")").replace("arm64", "aarch64")
            names = [
                system.lower().replace(" linux", "").replace(" ", "-"),
                f"linux-{reference.rpartition(':')[2].partition('-')[0]}" if reference else "embedded",
                f"{machine.partition(' (')[0].lower().replace(' ', '-')}-{arch}",
            ]
            support = Support.SUPPORTED if reference else Support.UNAVAILABLE
            found["/".join(names)] = (support, (reference,) if reference else ())
    return found


def _liquid_metal(said: dict[str, Any]) -> Cells:
    def full(part: str, **tags: str) -> tuple[str, ...]:
        return tuple(sorted(f"{said['registry']}/{name}:{tags[role]}" for role, name in said[part].items()))

    found = {
        "kubernetes-legacy/linux-legacy/firecracker-x86_64": (
            Support.LEGACY, full("legacy", root="${kubernetes}", kernel="${kernel}"),
        )
    }  # fmt: skip
    for kubernetes in said["kubernetes"]:
        for kernel in said["kernels"]:
            tags = {"root": kubernetes, "kernel": kernel, "modules": kernel}
            plain = f"kubernetes-{kubernetes}/linux-{kernel}/firecracker-x86_64"
            arm = f"kubernetes-arm-{kubernetes}/linux-arm-{kernel}/firecracker-aarch64"
            found[plain] = (Support.SUPPORTED, full("supported", **tags))
            found[arm] = (Support.EXPERIMENTAL, full("experimental", **tags))
    return found


def _kairos(said: dict[str, Any]) -> Cells:
    found: Cells = {}
    for row in said["flavors"]:
        for variant in ("core", "standard"):
            root = f"{row[variant]}:${{version}}"
            references = (root, f"{root}.img") if "rpi" in row["system"] else (root,)
            for machine in row["machines"]:
                found[f"{row['system']}-{variant}/embedded/{machine}"] = (Support(row["support"]), references)
    return found


@pytest.mark.parametrize("name", founding.NAMES)
def test_every_cell_and_no_other(name: str) -> None:
    cells = {cell.name: (cell.support, tuple(sorted(cell.images.values()))) for cell in load(name).cells}
    assert cells == expected(name)


def test_how_many_there_are() -> None:
    slicer = expected("slicer").values()
    assert [len(slicer), sum(support is Support.UNAVAILABLE for support, _ in slicer)] == [12, 7]
    assert [len(expected("liquid-metal")), len(expected("kairos"))] == [17, 20]
    assert len(founding.references("kairos")) == 17
    assert len({row["system"] for row in founding.facts("kairos")["flavors"]}) == 8


@pytest.mark.parametrize("name", founding.NAMES)
def test_every_reference_and_no_other(name: str) -> None:
    loaded, said = load(name), founding.references(name)
    for reference in said:
        assert access.lists(loaded, Reference.parse(_with_tag(reference))), reference
    listed = {_without_variables(text) for text in access.references(loaded)}
    assert listed <= {_bare(reference) for reference in said} | said


def _with_tag(reference: str) -> str:
    return reference if ":" in reference else f"{reference}:v1.2.0"


def _bare(reference: str) -> str:
    head, colon, tag = reference.partition(":")
    return head if tag == "X.X.X" or not colon else reference


def _without_variables(text: str) -> str:
    """A pattern without its tag: the page names the repository alone."""
    return text.partition(":")[0] if "${" in text else text


@pytest.mark.parametrize(
    ("name", "rule"), [(name, rule) for name in founding.NAMES for rule in founding.facts(name)["rules"]]
)
def test_every_rule(name: str, rule: dict[str, Any]) -> None:
    loaded = load(name)
    found: Any = flat.document(loaded, loaded.cells)
    if "cell" in rule:
        found = next(cell.note for cell in loaded.cells if cell.name == rule["cell"])
    for step in rule.get("at", ()):
        found = found.get(step)
    if "has" in rule:
        assert rule["has"] in found
    else:
        assert found == rule["is"]


def test_versions_of_consumers() -> None:
    cells = {cell.name: cell for cell in load("liquid-metal").cells}
    legacy = cells["kubernetes-legacy/linux-legacy/firecracker-x86_64"].remarks.when
    assert legacy
    (capmvm, flintlock) = legacy.any_of
    for name, limit, older in (("capmvm", "0.7.0", capmvm), ("flintlock", "0.4.0", flintlock)):
        assert older.versions[name].contains(limit)
        assert older.versions[name].contains("0.1.0")
        assert not older.versions[name].contains("0.7.1")
        for cell in cells.values():
            if cell.support is Support.SUPPORTED:
                assert cell.remarks.when
                newer = cell.remarks.when.versions[name]
                assert (newer.contains(limit), newer.contains("0.7.1")) == (False, True)


@pytest.mark.parametrize(
    ("day", "series"),
    [
        (date(2022, 11, 13), ["4.19", "5.10"]), (date(2024, 1, 31), ["4.19", "5.10"]), (date(2024, 2, 1), ["4.19"]),
        (date(2025, 6, 1), ["6.1"]), (date(2026, 9, 2), ["6.1", "6.18"]), (date(2026, 11, 21), ["6.18"]),
    ],
)  # fmt: skip
def test_the_kernels_that_firecracker_supports(day: date, series: list[str]) -> None:
    for machine in dates.as_of(load("liquid-metal"), day).machines.values():
        assert [guest.series for guest in machine.guests] == series


@pytest.mark.parametrize("name", founding.NAMES)
def test_what_a_page_lacks_is_marked(name: str) -> None:
    """Every version, date and source is the page's, or stands in an entry that says what was added to it."""
    loaded, said = load(name), founding.facts(name)
    own = {*said["versions"], *said.get("inferred", ()), *said.get("kernels", ()), *said.get("kubernetes", ())}
    entries: list[dict[str, Any]] = []
    document = flat.document(loaded, loaded.cells)
    for section in ("systems", "kernels", "machines"):
        for entry in document.get(section, {}).values():
            entries += [*entry.pop("guests", ()), entry]
    entries += document["matrix"]
    for entry in entries:
        assert entry.get("source"), entry
        if re.search(r"\b[Aa]dded\b", entry.get("note", "")):
            continue
        assert entry["source"] in said["sources"], entry
        found = {version for key in ("title", "release", "note", "series") for version in _versions(entry, key)}
        assert found <= own, entry


def _versions(entry: dict[str, Any], key: str) -> list[str]:
    return _VERSION.findall(entry.get(key, ""))


def shown(text: str) -> dict[str, tuple[str, ...]]:
    """Cell to the references beside it, from a table in Markdown."""
    rows = [
        [each.strip() for each in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    machines = [head.strip("`") for head in rows[0][2:]]
    found = {}
    for system, kernel, *tiles in rows[2:]:
        pair = "/".join(cell.split("<br>")[-1].strip("`") for cell in (system, kernel))
        for machine, tile in zip(machines, tiles, strict=True):
            if tile:
                lines = [re.sub(r"\\(.)", r"\1", each) for each in tile.split("<br>")]
                references = sorted(line.split(": ")[-1] for line in lines if ".io/" in line)
                found[f"{pair}/{machine}"] = tuple(references)
    return found


@pytest.mark.parametrize("name", founding.NAMES)
def test_the_table_is_that_of_the_page(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{variable}", str(tmp_path / variable.lower()))
    assert run(["matrix", "-c", f"builtin:{name}", "--format", "markdown"]) == 0
    assert shown(capsys.readouterr().out) == {cell: images for cell, (_, images) in expected(name).items()}


@pytest.mark.parametrize("name", founding.NAMES)
def test_the_facts_are_those_of_the_page(name: str) -> None:
    text = founding.page(name)
    if text is None:
        pytest.skip(f"{founding.PAGES} names no folder with the pages")
    assert founding.named(text) == founding.references(name)
    said = founding.facts(name)
    for version in (*said["versions"], *said.get("kernels", ()), *said.get("kubernetes", ())):
        assert version.removeprefix("v") in text, version
    for row in said.get("flavors", ()):
        assert row["row"] in re.sub(r"\s+\*\*", "**", text).replace("**", "")
    for system, cells in said.get("cells", {}).items():
        assert system in text
        assert all(machine in text for machine in cells)
