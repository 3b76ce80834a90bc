"""Initial RAM disk."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import CONFIG, DRIVERS, File

_KEPT = of(initrd=True)
_MODULES = make.kernel(CONFIG.replace(DRIVERS, DRIVERS.replace("=y", "=m")))

CASES = {
    "initrd.missing": Case(breaks=of(initrd={"boot/notes": File(b"no disk")}), keeps=_KEPT),
    "initrd.unreadable": Case(breaks=of(initrd={"boot/initrd": File(b"no disk")}), keeps=_KEPT),
    "initrd.unsupported": Case(
        breaks=of(kernel_=make.kernel(CONFIG.replace("CONFIG_BLK_DEV_INITRD=y\n", "")), initrd=True),
        keeps=of(kernel_=make.kernel(), initrd=True),
    ),
    "initrd.init-missing": Case(
        breaks=of(initrd=make.initrd({path: entry for path, entry in make.ram_disk().items() if path != "init"})),
        keeps=_KEPT,
    ),
    "initrd.init-not-executable": Case(
        breaks=of(initrd=make.initrd({path: entry for path, entry in make.ram_disk().items() if path != "bin/sh"})),
        keeps=_KEPT,
    ),
    "initrd.release-mismatch": Case(
        breaks=of(kernel_=_MODULES, root_=make.root(), initrd=make.initrd(make.ram_disk(release="5.4.0-test"))),
        keeps=of(kernel_=_MODULES, root_=make.root(), initrd=True),
    ),
}
