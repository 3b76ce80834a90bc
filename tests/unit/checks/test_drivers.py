from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bootworthy.checks.drivers import CHECK
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import CONFIG, RELEASE, Entry, File

MODULES = CONFIG.replace("=y", "=m")


def found(
    folder: Path, config: str | None, *, initrd: bool = False, modules: dict[str, Entry] | None = None,
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


@pytest.mark.parametrize("initrd", [True, False])
def test_a_driver_the_kernel_does_not_have_is_an_error(tmp_path: Path, initrd: bool) -> None:
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
