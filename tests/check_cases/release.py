"""Kernel and modules."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import RELEASE, SIGNATURE, File

_OTHER = "6.12.3-test"
_SIGNED = {"kernel/drivers/zram.ko": File(make.module("zram") + SIGNATURE)}
_ENFORCED = make.CONFIG + "CONFIG_MODULE_SIG=y\nCONFIG_MODULE_SIG_FORCE=y\n"
_KEPT = of(kernel_=make.kernel(), modules_=make.modules())
_ODD = {"kernel/drivers/zram.ko": File(make.module("zram", options="SMP preempt "))}
_CUT = {"kernel/drivers/zram.ko": File(make.module("zram")[:100])}

CASES = {
    "kernel.release-mismatch": Case(
        breaks=of(kernel_=make.kernel(), modules_=make.modules(release=_OTHER)), keeps=_KEPT
    ),
    "modules.mixed": Case(breaks=of(kernel_=make.kernel(), modules_=make.modules() | _ODD), keeps=_KEPT),
    "modules.nested": Case(
        breaks=of(kernel_=make.kernel(), modules_=make.modules(below=f"lib/modules/{RELEASE}")), keeps=_KEPT
    ),
    "modules.no-dep": Case(
        breaks=of(kernel_=make.kernel(), modules_={"kernel/drivers/zram.ko": File(make.module("zram"))}), keeps=_KEPT
    ),
    "modules.unreadable": Case(breaks=of(kernel_=make.kernel(), modules_=make.modules() | _CUT), keeps=_KEPT),
    "modules.incomplete": Case(
        breaks=of(
            kernel_=make.kernel(),
            modules_={path: entry for path, entry in make.modules().items() if not path.endswith("/zram.ko")},
        ),
        keeps=_KEPT,
    ),
    "modules.unlisted": Case(
        breaks=of(kernel_=make.kernel(), modules_=make.modules() | {"extra/more.ko": File(make.module("more"))}),
        keeps=of(kernel_=make.kernel(), modules_=make.modules() | {"extra/zram.ko": File(make.module("zram"))}),
    ),
    "modules.unsigned": Case(
        breaks=of(kernel_=make.kernel(_ENFORCED), modules_=make.modules(["zram"])),
        keeps=of(kernel_=make.kernel(_ENFORCED), modules_=make.modules(["zram"]) | _SIGNED),
    ),
    "modules.unused": Case(
        breaks=of(kernel_=make.kernel() | make.modules(below=f"lib/modules/{RELEASE}"), root_=make.root()),
        keeps=of(kernel_=make.kernel(), root_=make.root()),
    ),
    "modules.no-kernel": Case(
        breaks=of(kernel_=make.kernel(data=make.vmlinux("")), modules_=make.modules()), keeps=_KEPT
    ),
}
