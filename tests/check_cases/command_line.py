"""Kernel command line."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import CONFIG

_KEPT = of(command_line=("console=ttyS0", "root=/dev/vda", "rw"))
_LINE = ("reboot=k", "pci=off")
_MODULES = CONFIG.replace("VIRTIO_BLK=y", "VIRTIO_BLK=m")

CASES = {
    "cmdline.too-long": Case(
        breaks=of(vmm="firecracker", command_line=(*_LINE, "network-config=" + "a" * 2048)),
        keeps=of(vmm="firecracker", command_line=(*_LINE, "network-config=" + "a" * 1024)),
    ),
    "cmdline.quote": Case(
        breaks=of(command_line=("root=/dev/vda", 'dyndbg="file a.c')),
        keeps=of(command_line=("root=/dev/vda", 'dyndbg="file a.c +p"')),
    ),
    "cmdline.contradiction": Case(
        breaks=of(command_line=("root=/dev/vda", "rw", "root=/dev/vdb")),
        keeps=of(command_line=("root=/dev/vda", "rw", "root=/dev/vda")),
    ),
    "cmdline.nomodule": Case(
        breaks=of(kernel_=make.kernel(_MODULES), modules_=make.modules(), command_line=("nomodule",)),
        keeps=of(kernel_=make.kernel(_MODULES), modules_=make.modules(), command_line=("nomodule=0",)),
    ),
    "cmdline.pci-off": Case(
        breaks=of(vmm="cloud-hypervisor", command_line=_LINE), keeps=of(vmm="firecracker", command_line=_LINE)
    ),
    "cmdline.acpi-off": Case(breaks=of(command_line=("acpi=off",)), keeps=_KEPT),
}
