"""Initial RAM disks that GNU cpio and the compressors' own programs made, read by us."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.kernels.ramdisk import Unpacked, unpack
from bootworthy.layers.node import Kind
from tests.needs import need

COMPRESSORS = {
    "none": ["cat"], "gzip": ["gzip", "-9nc"], "xz": ["xz", "--check=crc32", "-c"], "zstd": ["zstd", "-qc"],
    "lz4": ["lz4", "-lqc"], "bzip2": ["bzip2", "-c"], "lzma": ["lzma", "-c"],
}  # fmt: skip


def made(folder: Path, seed: int) -> None:
    """A tree of every kind that an initial RAM disk has."""
    dice = random.Random(seed)
    folders = [folder]
    for number in range(40):
        above = dice.choice(folders)
        path = above / f"{'n' * dice.randrange(1, 40)}-{number}"
        match dice.randrange(5):
            case 0:
                path.mkdir()
                folders.append(path)
            case 1:
                path.symlink_to("t" * dice.randrange(1, 200))
            case 2:
                os.mkfifo(path)
            case _:
                path.write_bytes(dice.randbytes(dice.randrange(0, 5000)))
                path.chmod(dice.choice([0o644, 0o755, 0o4755]))
                if dice.random() < 0.3:
                    (dice.choice(folders) / f"link-{number}").hardlink_to(path)


def described(folder: Path) -> dict[bytes, tuple[object, ...]]:
    found: dict[bytes, tuple[object, ...]] = {}
    for path in folder.rglob("*"):
        facts = path.lstat()
        content: object = None
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        mode = 0o777 if path.is_symlink() else facts.st_mode & 0o7777
        found[os.fsencode(path.relative_to(folder))] = (Kind(facts.st_mode & 0o170000), mode, content)
    return found


def read(unpacked: Unpacked) -> dict[bytes, tuple[object, ...]]:
    found: dict[bytes, tuple[object, ...]] = {}
    for path, node in unpacked.tree.walk():
        content: object = None
        if node.kind is Kind.SYMLINK:
            content = node.target
        elif node.kind is Kind.FILE:
            content = unpacked.span(node, 0, node.size)
        found[path] = (node.kind, node.mode, content)
    return {path: each for path, each in found.items() if path not in {b"", b"dev", b"dev/console", b"root"}}


def packed(folder: Path, *, order: str = "sort", format_: str = "newc") -> bytes:
    """What GNU cpio makes of a folder."""
    listed = run(["sh", "-c", f"find . -mindepth 1 | LC_ALL=C {order}"], cwd=folder).stdout
    return run(["cpio", "-o", "--quiet", "-H", format_], cwd=folder, data=listed).stdout


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("format_", ["newc", "crc"])
def test_what_cpio_packs_is_read(tmp_path: Path, seed: int, format_: str) -> None:
    need("cpio")
    made(tmp_path, seed)
    assert read(unpack(packed(tmp_path, format_=format_))) == described(tmp_path)


@pytest.mark.parametrize("name", COMPRESSORS)
def test_an_early_archive_and_a_compressed_one_are_read(tmp_path: Path, name: str) -> None:
    need("cpio", COMPRESSORS[name][0])
    early, late = tmp_path / "early", tmp_path / "late"
    (early / "kernel/x86/microcode").mkdir(parents=True)
    (early / "kernel/x86/microcode/AuthenticAMD.bin").write_bytes(b"microcode")
    late.mkdir()
    made(late, 7)
    whole = packed(early) + run(COMPRESSORS[name], data=packed(late)).stdout
    assert read(unpack(whole)) == described(early) | described(late)
