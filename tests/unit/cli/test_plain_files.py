"""Plain files where a verb takes an image: a `vmlinux` and an ext4 file, as Firecracker's users have them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from bootworthy.cli.main import run
from bootworthy.filesystems.ext4.options import Options
from bootworthy.filesystems.ext4.plan import plan
from bootworthy.filesystems.ext4.read import read
from bootworthy.filesystems.ext4.write import write
from bootworthy.oci.store import Store
from tests import check_trees as make
from tests import layouts
from tests.check_trees import Entry, File
from tests.printed import said
from tests.same_trees import same
from tests.tree_images import put_tree

FILES = [
    "check",
    "--root",
    "root.ext4",
    "--kernel",
    "vmlinux",
    "--vmm",
    "firecracker",
    "--arch",
    "x86_64",
    "--at",
    "2026-01-01",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ext4(tmp_path, "root.ext4", make.root())
    (tmp_path / "vmlinux").write_bytes(make.vmlinux())
    (tmp_path / "vmlinux.config").write_text(make.CONFIG)
    return tmp_path


def ext4(folder: Path, name: str, entries: Mapping[str, Entry]) -> None:
    tree = make.tree(folder, entries)
    with (folder / name).open("wb") as file:
        write(tree, plan(tree, Options(uuid=uuid.UUID(int=8), free=0)), file)


def found(capsys: pytest.CaptureFixture[str], *command: str) -> dict[str, str]:
    """What is found by id, with where."""
    run([*command, "--json"])
    (checked,) = said(capsys)["checked"]
    return {each["id"]: each["where"] for each in checked["findings"]}


def test_a_vmlinux_and_an_ext4_file_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FILES) == 0
    assert capsys.readouterr().out == "root.ext4 on firecracker-x86_64: nothing stands in its way\n"


def test_what_is_wrong_is_said_with_the_file(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    ext4(folder, "root.ext4", {"etc/machine-id": File(b"")})
    seen = found(capsys, *FILES)
    assert seen["init.missing"].startswith("root.ext4@sha256:")
    assert seen["init.missing"].endswith(": /sbin/init")


def test_modules_may_be_a_file_too(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    ext4(folder, "modules.ext4", layouts.LIQUID_METAL_FLAT_MODULES)
    seen = found(capsys, *FILES, "--modules", "modules.ext4", "--initrd", "root.ext4")
    assert seen["kernel.release-mismatch"].startswith("modules.ext4@sha256:")


def test_random_bytes_are_a_finding_and_a_torn_volume_an_error(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "vmlinux").write_bytes(b"random bytes")
    assert "kernel.unreadable" in found(capsys, *FILES)
    data = bytearray((folder / "root.ext4").read_bytes())
    data[1024 + 0x28] ^= 0xFF
    (folder / "root.ext4").write_bytes(data)
    assert run(FILES) == 6
    assert "root.ext4: the checksum of its superblock is wrong" in capsys.readouterr().err


def test_a_whole_system_brings_its_initial_ram_disk(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Without it, the drivers of its root would be missing."""
    put_tree(Store(folder / "data/store"), layouts.kairos(), name="localhost/kairos:1")
    whole = layouts.kairos()
    ext4(folder, "kairos.ext4", whole)
    bare = {path: entry for path, entry in whole.items() if "boot/initrd" not in path}
    ext4(folder, "bare.ext4", bare)
    machine = ("--vmm", "qemu-microvm", "--arch", "x86_64")
    for root in ("localhost/kairos:1", "kairos.ext4"):
        assert "drivers.missing" not in found(capsys, "check", "--root", root, *machine)
    assert "drivers.missing" in found(capsys, "check", "--root", "bare.ext4", *machine)


def test_it_is_inspected_unpacked_and_converted(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert run(["inspect", "root.ext4"]) == 0
    assert "user" in capsys.readouterr().out
    assert run(["unpack", "root.ext4", "out", "--plain"]) == 0
    assert (folder / "out" / "usr/bin/sh").read_bytes() == make.program()
    assert run(["convert", "root.ext4", "-o", "again.ext4"]) == 0
    same(read(folder / "root.ext4"), read(folder / "again.ext4"))
    assert run(["convert", "root.ext4", "-o", "root.tar", "--to", "tar"]) == 0


def test_a_path_that_is_not_there_is_not_looked_for_in_the_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", "./none"]) == 9
    assert "none: there is no such file" in capsys.readouterr().err
