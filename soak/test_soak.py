"""The long ones, run by `make soak`: proofs by the dozen, kills at random moments, fuzz.

`BOOTWORTHY_SOAK` is how many proofs of each cell are run (20); kills are five times as many, fuzz grows with it.
`BOOTWORTHY_SOAK_SEED` is what the moments and the fuzz are drawn from (1).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from bootworthy.errors import BootworthyError, IntegrityError, InternalError
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.layers.node import Node, Tree
from bootworthy.volumes.convert import convert
from bootworthy.volumes.identity import Source
from tests import made_layers, odd_layers, tiny, trees
from tests.command import Command
from tests.conftest import QEMU
from tests.faults import branch, left_files, left_processes, unsound
from tests.needs import need

ROUNDS = int(os.environ.get("BOOTWORTHY_SOAK", "20"))
SEED = int(os.environ.get("BOOTWORTHY_SOAK_SEED", "1"))
SOURCE = Source(("sha256:" + 64 * "0",))
ROOT = "localhost/bootworthy/debian-12:debian-6.1"
CATALOG = """\
bootworthy: 1
name: soak
systems:
  made: {bootstrap: {release: bookworm, packages: [hello]}}
kernels:
  debian-6.1: {package: {release: bookworm, name: "linux-image-cloud-${debian-arch}"}}
machines:
  qemu-microvm-x86_64: {vmm: qemu-microvm, arch: x86_64}
matrix:
  - {systems: [made], kernels: [debian-6.1], machines: ["*"], support: supported}
"""


@pytest.mark.parametrize("cell", QEMU)
def test_every_proof_is_healthy(home: Command, built: dict[str, Any], cell: str, tmp_path: Path) -> None:
    """One that is not is kept as evidence, as any."""
    mine = home.under(BOOTWORTHY_STATE=str(tmp_path / "state"))
    for _ in range(ROUNDS):
        mine("prove", cell, status=None)
    listed = [one["document"] for one in json.loads(mine("evidence", "--json").text)["evidence"]]
    seconds = sorted(one["times"]["healthy"] for one in listed if one["verdict"] == "healthy")
    print(f"{cell}: {len(seconds)} of {len(listed)} healthy, {seconds[0]} to {seconds[-1]} s")  # noqa: T201
    bad = [one for one in listed if one["verdict"] != "healthy"]
    assert [(one["ending"], one["reasons"], one["last_lines"]) for one in bad] == []
    assert len(listed) == ROUNDS


def test_kills(home: Command, built: dict[str, Any], tmp_path: Path) -> None:
    """Whenever it is killed: nothing runs on, no blob of the store is wrong, and the next run works."""
    chance = random.Random(SEED)
    shop = branch(home, tmp_path / "home").under(TMPDIR=str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "bootworthy.yaml").write_text(CATALOG)
    root = tiny.root(tmp_path / "root", home, "exec poweroff -f\n")
    prove = ("prove", "--root", root, *tiny.kernel(), *tiny.modules(), "--machine", tiny.MACHINE)
    work: tuple[tuple[tuple[str, ...], float], ...] = (
        (("build", "-c", str(tmp_path / "bootworthy.yaml")), 25.0),
        (("convert", ROOT, "-o", str(tmp_path / "out.ext4")), 2.5),
        (prove, 6.0),
    )
    ends: Counter[str] = Counter()
    killed = 0
    while killed < 5 * ROUNDS:
        arguments, longest = chance.choice(work)
        with shop.running(*arguments) as process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(chance.random() * longest)
            ended = process.poll()
            if ended is None:
                os.killpg(process.pid, chance.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
            _, said = process.communicate(timeout=60)
        killed += ended is None
        ends[f"{arguments[0]} {process.returncode}"] += 1
        if ended is not None or chance.random() < 0.2:
            lose(shop, chance)
        assert b"Traceback" not in said
        assert b"bug of ours" not in said
        assert left_processes(tmp_path, 10.0) == []
        assert unsound(shop.store) == []
        assert [one["problem"] for one in json.loads(shop("images", "--json").text)["images"] if one["problem"]] == []
        shop("evidence", "--json")
    print(dict(ends))  # noqa: T201
    shop("build", "-c", str(tmp_path / "bootworthy.yaml"))
    shop("convert", ROOT, "-o", str(tmp_path / "out.ext4"))
    subprocess.run(["e2fsck", "-fn", tmp_path / "out.ext4"], check=True, capture_output=True)
    assert "exited" in shop(*prove, status=1).stderr.decode()
    assert left_files(tmp_path) == []


def lose(shop: Command, chance: random.Random) -> None:
    """Some of what is made again when it is lost."""
    part = shop.cache / chance.choice(["layers", "volumes", "builds"])
    for path in part.glob("*") if part.is_dir() else ():
        if path.is_file() and path.suffix != ".lock":
            path.unlink()


def test_tars_with_wrong_bytes(tmp_path: Path) -> None:
    """Each is refused by an error for people, or read; and what is read becomes an ext4 that e2fsck likes."""
    need("e2fsck")
    chance = random.Random(SEED)
    whole = [odd_layers.added(), odd_layers.changed()]
    ends: Counter[str] = Counter()
    for number in range(500 * ROUNDS):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.choice([1, 1, 2, 8])):
            block = chance.randrange(len(data) // 512) * 512
            data[block + chance.randrange(512)] = chance.randrange(256)
            if chance.random() < 0.8:  # or nearly all would end at a checksum
                data[block + 148 : block + 156] = b" " * 8
                data[block + 148 : block + 156] = b"%06o\0 " % sum(data[block : block + 512])
        folder = tmp_path / str(number)
        try:
            tree = made_layers.tree(folder, bytes(data))
        except IntegrityError:
            ends["refused"] += 1
        else:
            ends["read"] += 1
            if number % 20 == 0:
                ends[written(tree, folder)] += 1
        finally:
            subprocess.run(["rm", "-rf", folder], check=True)
    print(dict(ends))  # noqa: T201
    assert min(ends["refused"], ends["read"], ends["written"]) > ROUNDS


def written(tree: Tree, folder: Path) -> str:
    """Write a tree as ext4 and have it checked."""
    out = folder / "out.ext4"
    try:
        convert(tree, SOURCE, "ext4", VolumeOptions(), out)
    except InternalError:
        raise
    except BootworthyError:
        return "not written"
    subprocess.run(["e2fsck", "-fn", out], check=True, capture_output=True)
    return "written"


@seed(SEED)
@settings(max_examples=50 * ROUNDS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(made=trees.roots())
def test_trees_become_sound_ext4(made: tuple[trees.Body, Node], tmp_path_factory: pytest.TempPathFactory) -> None:
    need("e2fsck")
    folder = tmp_path_factory.mktemp("tree")
    body, root = made
    assert written(body.tree(root, folder / "body"), folder) == "written"
    subprocess.run(["rm", "-rf", folder], check=True)
