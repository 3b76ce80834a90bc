"""Clones, as QEMU's own tools and a disk with reflinks see them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.volumes import qcow2
from tests.command import PROGRAM, Command
from tests.faults import private
from tests.mounts import need_mount
from tests.needs import need


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume, with a comma.raw"
    with path.open("wb") as file:
        for block in range(0, 4096, 64):
            file.seek(block << 12)
            file.write(os.urandom(4096))
        file.truncate(64 << 20)
    return path


@pytest.mark.parametrize("size", [None, 64 << 20, 10 << 30, 5 << 40])
def test_qemu_reads_our_overlays(volume: Path, tmp_path: Path, size: int | None) -> None:
    need("qemu-img")
    out = tmp_path / "vm.qcow2"
    out.write_bytes(qcow2.overlay(volume, size or volume.stat().st_size))
    run(["qemu-img", "check", out])
    info = json.loads(run(["qemu-img", "info", "--output=json", out]).text)
    assert info["format"] == "qcow2"
    assert info["virtual-size"] == (size or 64 << 20)
    assert info["full-backing-filename"] == str(volume)
    assert info["backing-filename-format"] == "raw"
    assert info["format-specific"]["data"]["compat"] == "1.1"
    assert not info["format-specific"]["data"]["corrupt"]
    if size is None:
        run(["qemu-img", "compare", "-f", "qcow2", "-F", "raw", out, volume])


def test_what_is_written_stays_in_the_overlay(volume: Path, tmp_path: Path) -> None:
    need("qemu-img", "qemu-io")
    before = volume.read_bytes()
    command = Command.at(tmp_path / "home")
    out = tmp_path / "vm.qcow2"
    command("clone", str(volume), "-o", str(out), "--size", "1G")
    run(["qemu-io", "-f", "qcow2", "-c", "write -P 0x41 100k 200k", "-c", "write -P 0x42 1000M 1M", out])
    run(["qemu-img", "check", out])
    run(["qemu-img", "convert", "-O", "raw", out, tmp_path / "flat"])
    assert volume.read_bytes() == before
    with (tmp_path / "flat").open("rb") as file:
        assert file.read(64 << 20) == before[: 100 << 10] + b"A" * (200 << 10) + before[300 << 10 :]
        file.seek(1000 << 20)
        assert file.read(1 << 20) == b"B" * (1 << 20)
    found = qcow2.read(out)
    assert found is not None
    assert (found.size, found.backing) == (1 << 30, volume)


def test_we_read_overlays_that_qemu_made(volume: Path, tmp_path: Path) -> None:
    need("qemu-img")
    for compat in ("0.10", "1.1"):
        out = tmp_path / f"{compat}.qcow2"
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", f"compat={compat}", "-F", "raw", "-b", volume, out, "1G"])
        assert qcow2.read(out) == qcow2.Overlay(1 << 30, volume)


def test_blocks_are_shared_where_the_disk_has_reflinks(volume: Path, tmp_path: Path) -> None:
    need("mkfs.xfs", "filefrag")
    need_mount("xfs")
    disk, place = tmp_path / "disk", tmp_path / "mounted"
    place.mkdir()
    with disk.open("wb") as file:
        file.truncate(512 << 20)
    run(["mkfs.xfs", "-q", disk])
    script = """
        cp --sparse=always "$1" "$2/volume"
        for vmm in "" "--for=qemu" "--for=firecracker"; do
            "$3" clone "$2/volume" -o "$2/vm$vmm" $vmm --json --size 128M
            cmp -n $((64 << 20)) "$2/volume" "$2/vm$vmm"
            filefrag -v "$2/vm$vmm" >&2
        done
    """
    home = Command.at(tmp_path / "home")
    argv = [*private(f"mount -o loop {disk} {place}"), "sh", "-ec", script, "sh", str(volume), str(place), str(PROGRAM)]
    done = subprocess.run(argv, env={**os.environ, **home.env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"way": "reflink"') == done.stdout.count('"format": "raw"') == 3
    extents = [line for line in done.stderr.splitlines() if line.strip()[:1].isdigit()]
    assert extents
    assert all("shared" in line for line in extents)
