"""The load order of modules, as `depmod` and `modprobe` see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.kernels.modules import ModuleTree
from tests import made_kernels as made
from tests.needs import need

RELEASE = "6.1.0-56-made"
MODULES = {
    "bw_ring": made.module("bw_ring", exports=["ring_a", "ring_b"]),
    "bw_virtio": made.module("bw_virtio", needs=["ring_a"], exports=["virtio"]),
    "bw_mmio": made.module("bw_mmio", needs=["virtio", "ring_b"]),
    "bw-blk": made.module("bw_blk", needs=["virtio", "ring_a"], fields=["softdep=pre: bw_sum post: bw_mmio"]),
    "bw_lib": made.module("bw_lib", exports=["lib"], needs=["ring_b"]),
    "bw_crc": made.module("bw_crc", needs=["lib"], fields=["alias=bw_sum"]),
    "bw_journal": made.module("bw_journal", exports=["journal"], fields=["softdep=pre: bw_sum"]),
    "bw_fs": made.module("bw_fs", needs=["journal", "lib"], fields=["alias=fs-bw", "softdep=pre: bw_built"]),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    need("depmod", "modprobe")
    folder = tmp_path / "lib/modules" / RELEASE
    (folder / "kernel").mkdir(parents=True)
    for name, data in MODULES.items():
        (folder / "kernel" / f"{name}.ko").write_bytes(data)
    (folder / "modules.order").write_text("".join(f"kernel/{name}.ko\n" for name in MODULES))
    (folder / "modules.builtin").write_text("kernel/bw_built.ko\n")
    (folder / "modules.builtin.modinfo").write_bytes(b"bw_built.file=bw_built\0bw_built.alias=bw-there\0")
    run(["depmod", "-b", tmp_path, RELEASE])
    return folder


@pytest.mark.parametrize("name", ["bw_ring", "bw_virtio", "bw_mmio", "bw-blk", "bw_blk", "bw_fs", "fs-bw", "bw_built"])
def test_modprobe_would_load_the_same_in_the_same_order(folder: Path, name: str) -> None:
    base = folder.parents[2]
    lines = run(["modprobe", "-d", base, "-S", RELEASE, "--show-depends", name]).text.splitlines()
    # It names a module again for each that wants it.
    loads = [*dict.fromkeys(line.split()[1].removeprefix(f"{folder}/") for line in lines if line.startswith("insmod "))]
    ours = list(ModuleTree.from_folder(folder).closure([name]))
    # What is loaded after a module for its sake is not needed to reach a root.
    after = loads.index("kernel/bw-blk.ko") + 1 if "kernel/bw-blk.ko" in loads else len(loads)
    assert ours == loads[:after]


def test_modprobe_and_we_know_what_is_built_in(folder: Path) -> None:
    tree = ModuleTree.from_folder(folder)
    assert tree.closure(["bw_built", "bw-there"]) == ()
    assert "builtin" in run(["modprobe", "-d", folder.parents[2], "-S", RELEASE, "--show-depends", "bw_built"]).text
