from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.builders.apt import Package
from bootworthy.builders.record import Recipe, Record, Records, package_differences, why
from bootworthy.errors import IntegrityError
from bootworthy.vocabulary import Architecture

RECIPE = Recipe(
    subject="system debian-12", kind="bootstrap", revision=1, architecture=Architecture.X86_64,
    inputs={"release": "bookworm", "packages": ["udev", "dbus"]}, tools={"mmdebstrap": "1.3.5"},
)  # fmt: skip
PACKAGE = Package("bash", "5.2", "amd64", "a" * 64)


def record(recipe: Recipe = RECIPE) -> Record:
    return Record(
        subject=recipe.subject, recipe=recipe.document, packages=(PACKAGE,), images={"root": f"sha256:{'b' * 64}"},
        made_with={"compressor": "isal"},
    )  # fmt: skip


def test_a_record_is_found_by_its_key_and_by_its_subject(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.put(RECIPE, record())
    assert records.find(RECIPE.key) == record()
    other = replace(RECIPE, inputs={"release": "trixie"})
    assert records.find(other.key) is None
    assert records.newest(other) == record()


def test_the_key_is_of_the_inputs_and_not_of_the_name() -> None:
    assert replace(RECIPE, subject="system other").key == RECIPE.key
    for change in (
        replace(RECIPE, revision=2), replace(RECIPE, kind="x"), replace(RECIPE, tools={"mmdebstrap": "1.4"}),
        replace(RECIPE, architecture=Architecture.AARCH64), replace(RECIPE, inputs={"release": "trixie"}),
    ):  # fmt: skip
        assert change.key != RECIPE.key


def test_why_says_what_changed() -> None:
    now = replace(RECIPE, inputs={"release": "bookworm", "packages": ["udev"], "x": 1}, tools={"mmdebstrap": "1.4"})
    assert why(now, record()) == [
        'inputs.packages: ["udev", "dbus"] -> ["udev"]',
        "inputs.x: (nothing) -> 1",
        'tools.mmdebstrap: "1.3.5" -> "1.4"',
    ]
    assert why(RECIPE, record()) == []
    assert why(RECIPE, None) == ["never built here"]


def test_why_is_empty_for_a_record_that_was_kept(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.put(RECIPE, record())
    assert why(RECIPE, records.newest(RECIPE)) == []


def test_package_differences_name_each_package() -> None:
    new = replace(PACKAGE, version="5.3")
    rebuilt = replace(PACKAGE, sha256="c" * 64)
    added = Package("zlib", "1", "amd64", "d" * 64)
    assert package_differences((PACKAGE,), (new, added)) == ["package bash: 5.2 -> 5.3", "package zlib 1 is new"]
    assert package_differences((PACKAGE, added), (rebuilt,)) == [
        "package bash: 5.2, other content",
        "package zlib 1 is gone",
    ]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b'{"schema": 1}', b"\xff"])
def test_a_damaged_record_is_said_with_its_place(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / f"{RECIPE.key}.json"
    path.write_bytes(data)
    with pytest.raises(IntegrityError) as caught:
        Records(tmp_path).find(RECIPE.key)
    assert (caught.value.code, caught.value.where) == ("build.bad-record", str(path))


packages = st.lists(
    st.builds(Package, st.sampled_from("abcdef"), st.sampled_from(["1", "2"]), st.just("amd64"), st.sampled_from("xy")),
    unique_by=lambda package: package.name,
).map(tuple)


@given(packages, packages)
def test_sets_differ_exactly_when_a_line_says_so(before: tuple[Package, ...], after: tuple[Package, ...]) -> None:
    assert bool(package_differences(before, after)) == (set(before) != set(after))
