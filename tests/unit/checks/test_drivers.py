from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.checks.drivers import CHECK
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import CONFIG, DRIVERS, RELEASE, Entry, File

Entries = dict[str, Entry]
MODULES = CONFIG.replace(DRIVERS, DRIVERS.replace("=y", "=m"))


def found(
    folder: Path, config: str | None, *, initrd: bool | Entries = False, modules: Entries | None = None,
    vmm: str = "qemu-microvm", data: bytes | None = None,
) -> list[Finding]:  # fmt: skip
    kernel = make.kernel(config, data=data)
    subject = make.subject(folder, root_=make.root(), kernel_=kernel, modules_=modules, initrd=initrd, vmm=vmm)
    return list(CHECK.find(subject))


def test_built_in_is_silent(tmp_path: Path) -> None:
    assert found(tmp_path, CONFIG) == []


def test_modules_with_an_initrd_are_silent(tmp_path: Path) -> None:
    assert found(tmp_path, MODULES, initrd=True) == []
    assert found(tmp_path, None, initrd=True, modules=make.modules()) == []


def test_modules_without_an_initrd_are_an_error(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, MODULES, modules=make.modules())
    assert (finding.id, finding.severity) == ("drivers.missing", Severity.ERROR)
    assert finding.message == (
        "virtio_mmio, virtio_blk and ext4 are modules of the kernel, and there is no initial RAM disk to load them"
    )
    assert "add an initial RAM disk for qemu-microvm" in finding.remedy


def test_one_module_is_told_in_the_singular(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, CONFIG.replace("EXT4_FS=y", "EXT4_FS=m"))
    assert finding.message == "ext4 is a module of the kernel, and there is no initial RAM disk to load it"


def test_the_bus_is_the_machines(tmp_path: Path) -> None:
    config = CONFIG.replace("VIRTIO_PCI=y", "VIRTIO_PCI=m")
    assert found(tmp_path, config, vmm="firecracker") == []
    (finding,) = found(tmp_path, config, vmm="cloud-hypervisor")
    assert finding.message.startswith("virtio_pci is a module")


@pytest.mark.parametrize("initrd", [False, make.initrd(make.ram_disk(["virtio_mmio"]))])
def test_a_driver_the_kernel_does_not_have_is_an_error(tmp_path: Path, initrd: bool | dict[str, Entry]) -> None:
    config = CONFIG.replace("CONFIG_EXT4_FS=y", "# CONFIG_EXT4_FS is not set")
    (finding,) = found(tmp_path, config, initrd=initrd)
    assert finding.id == "drivers.missing"
    assert finding.message == "the kernel has no ext4, which a guest of QEMU microvm needs to reach its ext4 root"
    assert finding.remedy == "use a kernel built with CONFIG_EXT4_FS=y"


def test_without_a_configuration_the_lists_of_the_modules_speak(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, None, modules=make.modules())
    assert finding.message.startswith("virtio_mmio and virtio_blk are modules")
    builtin = ("ext4", "virtio_mmio", "virtio-blk")
    assert found(tmp_path, None, modules=make.modules(["zram"], builtin=builtin)) == []
    (finding,) = found(tmp_path, None, modules=make.modules(["zram"]))
    assert finding.message.startswith("the kernel has no virtio_mmio and virtio_blk")


def test_when_nothing_says_so_nobody_knows(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, None)
    assert (finding.id, finding.severity) == ("drivers.unknown", Severity.NOTE)
    assert found(tmp_path, None, initrd=True) == []


def test_what_the_initial_ram_disk_does_not_bring_either_nobody_knows(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, None, initrd=make.initrd(make.ram_disk(["virtio_mmio", "virtio_blk"])))
    assert finding.id == "drivers.unknown"
    assert finding.message == ("nothing says whether ext4 is built in, and the initial RAM disk does not bring it")


def test_a_driver_of_no_kernel_may_be_in_the_initial_ram_disk(tmp_path: Path) -> None:
    assert found(tmp_path, CONFIG.replace("CONFIG_EXT4_FS=y", "# CONFIG_EXT4_FS is not set"), initrd=True) == []


NEEDS = {"ext4": ["jbd2", "mbcache"], "virtio_mmio": ["virtio-ring"]}
LOADS = ("mbcache", "jbd2", "ext4", "virtio_ring", "virtio_mmio", "virtio_blk")


def disk(order: Iterable[str] = LOADS, *, without: str = "", needs: Mapping[str, Iterable[str]] = NEEDS) -> Entries:
    entries = make.ram_disk(order, needs=needs)
    entries.pop(f"modules/{without}.ko", None)
    return entries


def test_an_order_that_loads_is_silent(tmp_path: Path) -> None:
    assert found(tmp_path, MODULES, initrd=make.initrd(disk())) == []
    assert found(tmp_path, MODULES, initrd=make.initrd(disk(["zram", *LOADS], needs=NEEDS | {"zram": ["none"]}))) == []


@pytest.mark.parametrize(
    ("entries", "id_", "message"),
    [
        (disk(LOADS[:5]), "drivers.missing", "the initial RAM disk does not have virtio_blk"),
        (disk(LOADS[1:]), "drivers.missing", "the initial RAM disk does not have mbcache"),
        (disk(without="jbd2"), "drivers.missing", "the initial RAM disk does not have jbd2"),
        (
            disk() | {"modules/order": File(b"mbcache.ko\njbd2.ko\n?ext4.ko\nvirtio_ring.ko\nvirtio_mmio.ko\n")},
            "drivers.missing", "the initial RAM disk does not load virtio_blk",
        ),
        (
            disk(without="mbcache") | {"modules/order": File(b"jbd2.ko\next4.ko\n")},
            "drivers.missing",
            "the initial RAM disk does not have mbcache, and does not load virtio_blk, virtio_mmio, virtio_ring",
        ),
        (disk(["ext4", *LOADS]), "drivers.order", "ext4 is loaded before jbd2, which it needs"),
        (disk(reversed(LOADS)), "drivers.order", "ext4 is loaded before jbd2, which it needs"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_said(tmp_path: Path, entries: Entries, id_: str, message: str) -> None:
    findings = found(tmp_path, MODULES, initrd=make.initrd(entries))
    assert {finding.id for finding in findings} == {id_}
    assert findings[0].message == message
    assert findings[0].where == "initrd@sha256:0: /boot/initrd"


def foreign(*names: str, lists: str | None = None, builtin: str = "") -> dict[str, Entry]:
    """An initial RAM disk of somebody else's, with modules where distributions put them."""
    folder = f"usr/lib/modules/{RELEASE}"
    entries: dict[str, Entry] = {"init": make.elf(segments=[(1, b"code")])}
    for name in names:
        entries[f"{folder}/kernel/{name}.ko"] = File(make.module(name, depends=NEEDS.get(name, ())))
    if lists is not None:
        entries[f"{folder}/modules.dep"] = File(lists.encode())
    if builtin:
        entries[f"{folder}/modules.builtin"] = File(f"kernel/{builtin}.ko\n".encode())
    return make.initrd(entries)


def test_modules_of_another_init_are_looked_for_by_name_in_any_order(tmp_path: Path) -> None:
    names = sorted(LOADS)
    assert found(tmp_path, MODULES, initrd=foreign(*names)) == []
    (finding,) = found(tmp_path, MODULES, initrd=foreign(*(name for name in names if name != "virtio_ring")))
    assert finding.message == "the initial RAM disk does not have virtio_ring"


def test_its_lists_say_what_a_damaged_module_needs_and_what_is_built_in(tmp_path: Path) -> None:
    lists = "kernel/ext4.ko: kernel/jbd2.ko\nkernel/jbd2.ko:\n"
    entries = foreign("virtio_mmio", "virtio_ring", "virtio_blk", lists=lists)
    config = MODULES.replace("CONFIG_EXT4_FS=m", "CONFIG_EXT4_FS=y")
    assert found(tmp_path, config, initrd=entries) == []
    (finding,) = found(tmp_path, MODULES, initrd=entries)
    assert finding.message == "the initial RAM disk does not have ext4, jbd2"
    entries = foreign("virtio_mmio", "virtio_ring", "virtio_blk", lists="", builtin="ext4")
    assert found(tmp_path, None, initrd=entries) == []


def test_a_disk_that_cannot_be_read_says_nothing_of_drivers(tmp_path: Path) -> None:
    assert found(tmp_path, MODULES, initrd={"boot/initrd": File(b"no disk")}) == []
    assert found(tmp_path, MODULES, initrd={"boot/notes": File(b"no disk")}) == []


@pytest.mark.parametrize(
    ("config", "line", "message"),
    [
        ("CONFIG_SERIAL_8250_CONSOLE=y", (), None),
        ("", ("console=hvc1", "console=tty0"), None),
        ("", ("console=ttyS0", "console=netcon0"), None),
        ("", (), "the kernel has no driver for the console ttyS0: CONFIG_SERIAL_8250_CONSOLE is not set"),
        ("", ("console=ttyS1,115200n8",), "the kernel has no driver for the console ttyS1"),
        (
            "CONFIG_SERIAL_8250_CONSOLE=y",
            ("console=ttyS0", "console=hvc0"),
            "the kernel has no driver for the console hvc0",
        ),
        ("CONFIG_VIRTIO_CONSOLE=m", ("console=hvc0",), "the driver of the console hvc0 is a module"),
    ],
)
def test_the_console_that_counts_needs_a_driver(
    tmp_path: Path, config: str, line: tuple[str, ...], message: str | None
) -> None:
    kernel = make.kernel(DRIVERS + config + "\n")
    subject = replace(make.subject(tmp_path, root_=make.root(), kernel_=kernel), command_line=line)
    findings = list(CHECK.find(subject))
    assert [finding.id for finding in findings] == ["drivers.console"] * (message is not None)
    assert message is None or findings[0].message.startswith(message)


def test_a_console_driver_may_be_in_the_initial_ram_disk(tmp_path: Path) -> None:
    kernel = make.kernel(DRIVERS + "CONFIG_VIRTIO_CONSOLE=m\n")
    made = make.subject(
        tmp_path, root_=make.root(), kernel_=kernel, initrd=make.initrd(disk(["virtio_console"], needs={}))
    )
    assert list(CHECK.find(replace(made, command_line=("console=hvc0",)))) == []


def test_a_configuration_inside_the_kernel_is_read(tmp_path: Path) -> None:
    embedded = b"IKCFG_ST" + gzip.compress(MODULES.encode()) + b"IKCFG_ED"
    (finding,) = found(tmp_path, None, data=make.vmlinux(tail=embedded))
    assert finding.id == "drivers.missing"


def test_the_configuration_of_another_kernel_is_not_believed(tmp_path: Path) -> None:
    kernel = make.kernel(None) | {"boot/config-5.4": File(MODULES.encode())}
    (finding,) = CHECK.find(make.subject(tmp_path, root_=make.root(), kernel_=kernel))
    assert finding.id == "drivers.unknown"


def test_a_configuration_that_is_none_is_a_warning(tmp_path: Path) -> None:
    findings = found(tmp_path, "<html>\n")
    assert [finding.id for finding in findings] == ["kernel.config-unreadable", "drivers.unknown"]
    assert findings[0].where == f"kernel@sha256:0: /boot/config-{RELEASE}:1"


def test_no_kernel_or_no_root_is_silent(tmp_path: Path) -> None:
    assert list(CHECK.find(make.subject(tmp_path, kernel_=make.kernel(MODULES)))) == []
    assert list(CHECK.find(make.subject(tmp_path, root_=make.root()))) == []
