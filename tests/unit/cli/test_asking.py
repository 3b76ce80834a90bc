"""What `bootworthy check` is asked beside images and machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bootworthy.cli import asking
from bootworthy.cli.main import run
from bootworthy.oci.store import Store
from tests import check_trees as make
from tests.printed import said
from tests.tree_images import put_tree

CATALOG = """
bootworthy: 1
name: made
systems: {old: {end-of-life: "2028-06", images: {root: "localhost/os:1"}}}
kernels: {six: {images: {kernel: "localhost/os:1-kernel"}}}
machines: {m: {vmm: cloud-hypervisor, arch: x86_64}}
matrix: [{systems: [old], kernels: [six], machines: [m], support: supported}]
"""
CELL = ["check", "-c", "made.yaml", "old/six/m", "--json"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalog, and its images in a store."""
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made.yaml").write_text(CATALOG)
    store = Store(tmp_path / "data/store")
    put_tree(store, make.root(), name="localhost/os:1")
    put_tree(store, make.kernel(data=make.bzimage()), name="localhost/os:1-kernel")
    return tmp_path


def ids(capsys: pytest.CaptureFixture[str], *words: str, status: int) -> set[str]:
    assert run([*CELL, *words]) == status
    (checked,) = said(capsys)["checked"]
    return {each["id"] for each in checked["findings"]}


def test_as_of_a_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert "system.end-of-life" not in ids(capsys, "--at", "2028-06-30", status=0)
    assert "system.end-of-life" in ids(capsys, "--at", "2028-07-01", status=0)


def test_under_another_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "cmdline.pci-off" not in ids(capsys, status=0)
    found = ids(capsys, "--cmdline", "console=ttyS0 root=/dev/vda ro rw pci=off", status=1)
    assert {"cmdline.pci-off", "cmdline.contradiction"} <= found


def test_on_a_release(capsys: pytest.CaptureFixture[str]) -> None:
    assert "kernel.format" in ids(capsys, "--vmm-version", "38.0", status=1)
    assert "kernel.format" not in ids(capsys, "--vmm-version", "v39.0", status=0)


@pytest.mark.parametrize(("word", "value"), [("--at", "yesterday"), ("--at", "2026-02-30"), ("--vmm-version", "new")])
def test_what_is_no_day_and_no_release(capsys: pytest.CaptureFixture[str], word: str, value: str) -> None:
    assert run([*CELL, word, value]) == 2
    assert value in capsys.readouterr().err


def test_without_a_day_it_is_today() -> None:
    """`asked` reads the clock, and nothing below it does."""
    seen: list[asking.Asked] = []

    def verb(asked: asking.Asked) -> None:
        seen.append(asked)

    before = datetime.now(UTC).date()
    asking.asked(verb)(at=None, cmdline=None, vmm_version=None)  # type: ignore[call-arg]
    assert before <= seen[0].at
    assert (seen[0].told, seen[0].version) == (None, None)
