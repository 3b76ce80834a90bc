from __future__ import annotations

import pytest

from bootworthy.errors import BuildError
from bootworthy.kernels import initramfs
from bootworthy.kernels.compression import Compression, whole
from bootworthy.kernels.config import Config
from bootworthy.kernels.modules import ModuleTree
from tests import made_kernels as made

BUSYBOX = made.elf(b"busybox")
DRIVERS = ("virtio_mmio", "virtio_blk")
ABLE = dict.fromkeys(("BLK_DEV_INITRD", "DEVTMPFS", "BINFMT_SCRIPT", "PROC_FS", "SYSFS"), "y")
MODULAR = Config({**ABLE, "RD_GZIP": "y", "VIRTIO_MMIO": "m", "VIRTIO_BLK": "m", "EXT4_FS": "y"})


def tree() -> ModuleTree:
    files = {
        "modules.dep": b"k/virtio_ring.ko:\nk/virtio-mmio.ko.xz: k/virtio_ring.ko\nk/virtio_blk.ko: k/virtio_ring.ko\n"
        b"k/xfs.ko:\nk/fast_crc.ko:\n",
        "modules.softdep": b"softdep xfs pre: fast_crc\n",
        "modules.builtin": b"kernel/fs/ext4/ext4.ko\n",
        "k/virtio_ring.ko": made.module("virtio_ring"),
        "k/virtio-mmio.ko.xz": made.COMPRESSORS[Compression.XZ](made.module("virtio_mmio")),
        "k/virtio_blk.ko": made.module("virtio_blk"),
        "k/xfs.ko": made.module("xfs"),
        "k/fast_crc.ko": made.module("fast_crc"),
    }
    return ModuleTree(files.get)


def unpack(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Mode and content of what is in a newc archive."""
    entries: dict[str, tuple[int, bytes]] = {}
    at = 0
    while True:
        fields = [int(archive[at + 6 + 8 * index : at + 14 + 8 * index], 16) for index in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[at + 110 : at + 110 + name_size - 1].decode()
        if name == "TRAILER!!!":
            return entries
        start = (at + 110 + name_size + 3) & ~3
        entries[name] = (mode, archive[start : start + size])
        at = (start + size + 3) & ~3


def test_the_modules_a_root_needs_in_order() -> None:
    plan = initramfs.plan(DRIVERS, ["ext4"], modules=tree(), config=MODULAR)
    assert plan.modules == ("k/virtio_ring.ko", "k/virtio-mmio.ko.xz", "k/virtio_blk.ko")
    assert plan.needed
    assert plan.optional == frozenset()


def test_a_kernel_with_all_built_in_needs_none() -> None:
    config = Config({"VIRTIO_MMIO": "y", "VIRTIO_BLK": "y", "EXT4_FS": "y"})
    plan = initramfs.plan(DRIVERS, ["ext4"], config=config)
    assert not plan.needed
    assert plan.modules == ()


def test_soft_dependencies_may_fail() -> None:
    plan = initramfs.plan((), ["xfs"], modules=tree())
    assert plan.modules == ("k/fast_crc.ko", "k/xfs.ko")
    assert plan.optional == {"k/fast_crc.ko"}
    order = unpack(whole(initramfs.build(plan, BUSYBOX, tree())))["modules/order"]
    assert order[1] == b"?fast_crc.ko\nxfs.ko\n"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (MODULAR, r"virtio_mmio is a module of this kernel \(CONFIG_VIRTIO_MMIO=m\)"),
        (Config({"VIRTIO_MMIO": "n"}), r"no driver virtio_mmio \(CONFIG_VIRTIO_MMIO is not set\)"),
        (None, "no driver virtio_mmio"),
    ],
)
def test_a_driver_that_is_nowhere_is_named(config: Config | None, words: str) -> None:
    with pytest.raises(BuildError, match=words) as error:
        initramfs.plan(DRIVERS, ["ext4"], config=config)
    assert error.value.code == "kernel.module-missing"
    assert error.value.hint


def test_a_module_the_modules_do_not_have_is_named() -> None:
    with pytest.raises(BuildError, match="'erofs'") as error:
        initramfs.plan(DRIVERS, ["erofs"], modules=tree(), config=MODULAR)
    assert error.value.code == "kernel.module-missing"


def test_a_kernel_that_cannot_use_one_is_refused() -> None:
    with pytest.raises(BuildError, match="CONFIG_DEVTMPFS, CONFIG_BINFMT_SCRIPT not set") as error:
        initramfs.plan(DRIVERS, [], modules=tree(), config=Config({**MODULAR, "DEVTMPFS": "n", "BINFMT_SCRIPT": "m"}))
    assert error.value.code == "kernel.no-initramfs"


@pytest.mark.parametrize(
    ("values", "compression"),
    [({"RD_ZSTD": "y", "RD_GZIP": "y"}, Compression.ZSTD), ({"RD_GZIP": "y"}, Compression.GZIP), ({}, None)],
)
def test_it_is_compressed_as_the_kernel_can_take_it(values: dict[str, str], compression: Compression | None) -> None:
    plan = initramfs.plan((), [], config=Config(values))
    built = initramfs.build(plan, BUSYBOX)
    assert plan.compression is compression
    assert Compression.of(built) is compression
    assert unpack(whole(built))["bin/busybox"][1] == BUSYBOX


def test_what_is_in_it() -> None:
    plan = initramfs.plan(DRIVERS, ["ext4"], modules=tree(), config=MODULAR)
    entries = unpack(whole(initramfs.build(plan, BUSYBOX, tree())))
    assert entries["init"] == (0o100755, plan.script.encode())
    assert entries["modules/order"][1] == b"virtio_ring.ko\nvirtio_mmio.ko\nvirtio_blk.ko\n"
    assert entries["modules/virtio_mmio.ko"][1] == made.module("virtio_mmio")
    assert entries["dev/console"][0] == 0o020600
    assert {name for name in entries if name.startswith("bin/")} == {"bin/busybox"} | {
        f"bin/{applet}" for applet in initramfs.APPLETS
    }
    assert entries["bin/sh"] == (0o120777, b"busybox")
    for folder in ("proc", "sys", "dev", "newroot"):
        assert entries[folder][0] == 0o040755


def test_the_same_inputs_give_the_same_bytes() -> None:
    def build() -> bytes:
        return initramfs.build(initramfs.plan(DRIVERS, ["ext4"], modules=tree(), config=MODULAR), BUSYBOX, tree())

    assert build() == build()


def test_a_busybox_that_could_not_run_is_refused() -> None:
    plan = initramfs.plan(DRIVERS, ["ext4"], modules=tree(), config=MODULAR)
    with pytest.raises(BuildError, match="ld-linux") as error:
        initramfs.build(plan, made.elf(interpreter=b"/lib64/ld-linux-x86-64.so.2"), tree())
    assert error.value.code == "initramfs.busybox"
    with pytest.raises(BuildError, match="another architecture") as error:
        initramfs.build(plan, made.elf(machine=made.AARCH64), tree())
    assert error.value.code == "initramfs.busybox"
    with pytest.raises(BuildError, match="no ELF"):
        initramfs.build(plan, b"#!/bin/sh\n", tree())


def test_a_plan_needs_its_modules() -> None:
    plan = initramfs.plan(DRIVERS, ["ext4"], modules=tree(), config=MODULAR)
    with pytest.raises(BuildError, match="were not given") as error:
        initramfs.build(plan, BUSYBOX)
    assert error.value.code == "kernel.module-missing"


def test_the_digest_is_that_of_the_script() -> None:
    assert initramfs.script_digest().startswith("sha256:")
    assert initramfs.plan((), []).script.startswith("#!/bin/sh\n")
