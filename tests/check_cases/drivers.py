"""Drivers."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import CONFIG, DRIVERS, RELEASE, File

_KEPT = of(kernel_=make.kernel(), root_=make.root())
_MODULES = CONFIG.replace(DRIVERS, DRIVERS.replace("=y", "=m"))
_ORDER = ("virtio_mmio", "virtio_blk", "ext4")

CASES = {
    "drivers.missing": Case(
        breaks=of(kernel_=make.kernel(CONFIG.replace("CONFIG_EXT4_FS=y\n", "")), root_=make.root()), keeps=_KEPT
    ),
    "drivers.order": Case(
        breaks=of(
            kernel_=make.kernel(_MODULES),
            root_=make.root(),
            initrd=make.initrd(make.ram_disk(_ORDER, needs={"virtio_mmio": ["ext4"]})),
        ),
        keeps=of(
            kernel_=make.kernel(_MODULES),
            root_=make.root(),
            initrd=make.initrd(make.ram_disk(_ORDER, needs={"ext4": ["virtio_mmio"]})),
        ),
    ),
    "drivers.console": Case(
        breaks=of(kernel_=make.kernel(CONFIG.replace("CONFIG_SERIAL_8250_CONSOLE=y\n", "")), root_=make.root()),
        keeps=_KEPT,
    ),
    "drivers.unknown": Case(breaks=of(kernel_=make.kernel(None), root_=make.root()), keeps=_KEPT),
    "kernel.config-unreadable": Case(
        breaks=of(
            kernel_=make.kernel() | {f"boot/config-{RELEASE}": File(b"CONFIG_EXT4_FS is set\n")}, root_=make.root()
        ),
        keeps=_KEPT,
    ),
}
