from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.catalog import pins
from bootworthy.catalog.pins import Pin, PinnedBuild, PinnedCell, Pins
from bootworthy.errors import DocumentError, HostError

ONE, TWO = ("sha256:" + letter * 64 for letter in "12")
PACKAGE = {"name": "libc6", "version": "2.36-9", "architecture": "amd64", "sha256": "f" * 64}
WHOLE = Pins(
    catalog="shelf", where="bootworthy.lock",
    cells={"a/b/c": PinnedCell(
        entry=ONE, kernel_release="6.1.0", resolved="2026-01-02T03:04:05Z",
        images={"root": Pin("x.example/a:1", ONE), "kernel+modules": Pin("x.example/k:1", TWO)},
    )},
    builds={"system a x86_64": PinnedBuild(key="0" * 64, packages=(PACKAGE,))},
)  # fmt: skip


def test_a_lock_file_says_what_was_locked() -> None:
    assert pins.parse(WHOLE.render(), where="bootworthy.lock") == WHOLE
    assert json.loads(WHOLE.render())["schema"] == "bootworthy.lock/1"


names = st.text('abcdefghijklmnop/.-_0123456789 "\\\né', min_size=1, max_size=20)
digests = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:".__add__)
cells = st.builds(
    PinnedCell, entry=digests, kernel_release=st.none() | names, resolved=names,
    images=st.dictionaries(names, st.builds(Pin, names, digests), max_size=4),
)  # fmt: skip
packages = st.fixed_dictionaries(dict.fromkeys(("name", "version", "architecture", "sha256"), names))
builds = st.builds(PinnedBuild, key=names, packages=st.lists(packages, max_size=3).map(tuple))


@given(st.builds(
    Pins, catalog=names, cells=st.dictionaries(names, cells, max_size=3),
    builds=st.dictionaries(names, builds, max_size=3), where=st.just("w"),
))  # fmt: skip
def test_any_pins_come_back(given_: Pins) -> None:
    assert pins.parse(given_.render(), where="w") == given_


def test_an_image_has_a_line_of_its_own() -> None:
    cell = replace(WHOLE.cells["a/b/c"], images={**WHOLE.cells["a/b/c"].images, "root": Pin("x.example/a:1", TWO)})
    before, after = (each.render().decode().splitlines() for each in (WHOLE, replace(WHOLE, cells={"a/b/c": cell})))
    assert len([line for line, other in zip(before, after, strict=True) if line != other]) == 1
    assert sum("libc6" in line for line in before) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (b"", "no valid JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "schema"),
        (WHOLE.render().replace(b"lock/1", b"lock/2"), "bootworthy.lock/1"),
        (WHOLE.render().replace(ONE.encode(), b"sha256:12"), "not a digest"),
        (b"<<<<<<< ours\n" + WHOLE.render(), "no valid JSON"),
        (WHOLE.render().replace(b'"x.example/a:1"', b"7"), "cells.a/b/c.images.root"),
        (b'{"schema": "bootworthy.lock/1", "catalog": "shelf", "cells": {"a": 1}}', "cells.a"),
    ],
)
def test_a_lock_file_that_is_none(tmp_path: Path, change: bytes, says: str) -> None:
    path = tmp_path / "bootworthy.lock"
    path.write_bytes(change)
    with pytest.raises(DocumentError) as caught:
        pins.load(path, "shelf")
    assert caught.value.code == "lock.invalid"
    (problem,) = caught.value.problems
    assert says in f"{problem.path} {problem.message}"
    assert "bootworthy lock" in str(problem.hint)


def test_the_lock_file_of_another_catalog(tmp_path: Path) -> None:
    path = tmp_path / "bootworthy.lock"
    path.write_bytes(WHOLE.render())
    assert pins.load(path, "shelf").cells == WHOLE.cells
    with pytest.raises(DocumentError, match="cannot be used"):
        pins.load(path, "other")


def test_no_lock_file(tmp_path: Path) -> None:
    assert pins.load(tmp_path / "none", "shelf").cells == {}
    with pytest.raises(HostError):
        pins.load(tmp_path, "shelf")


def test_where_a_lock_file_is(tmp_path: Path) -> None:
    assert pins.path_for("else/mine.yaml", Path("else"), tmp_path) == Path("else/mine.lock")
    assert pins.path_for("builtin:bootworthy", None, tmp_path) == tmp_path / "bootworthy.lock"
    (tmp_path / "bootworthy.yaml").touch()
    assert pins.path_for("builtin:bootworthy", None, tmp_path) == tmp_path / "builtin-bootworthy.lock"
