"""Architecture."""

from __future__ import annotations

from bootworthy.kernels.elf import MACHINE_AARCH64
from bootworthy.vocabulary import Architecture, Role
from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import File

_KEPT = of(kernel_=make.kernel(), modules_=make.modules())
_DISK = make.initrd(make.ram_disk(machine=MACHINE_AARCH64))
_FOREIGN = {"kernel/drivers/zram.ko": File(make.module("zram", machine=MACHINE_AARCH64))}

CASES = {
    "machine.architecture": Case(
        breaks=of(kernel_=make.kernel(data=make.image()), architecture=Architecture.AARCH64),
        keeps=of(kernel_=make.kernel(data=make.image()), architecture=Architecture.AARCH64, vmm="firecracker"),
    ),
    "image.architecture": Case(
        breaks=of(root_=make.root(), platforms={Role.ROOT: Architecture.AARCH64}),
        keeps=of(root_=make.root(), platforms={Role.ROOT: Architecture.X86_64}),
    ),
    "kernel.architecture": Case(breaks=of(kernel_=make.kernel(data=make.image())), keeps=_KEPT),
    "modules.architecture": Case(breaks=of(kernel_=make.kernel(), modules_=make.modules() | _FOREIGN), keeps=_KEPT),
    "initrd.architecture": Case(breaks=of(initrd=_DISK), keeps=of(initrd=True)),
}
