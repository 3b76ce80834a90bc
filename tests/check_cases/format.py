"""Kernel format."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import File

_KEPT = of(kernel_=make.kernel())

CASES = {
    "kernel.missing": Case(breaks=of(kernel_={"boot/notes": File(b"no kernel")}), keeps=_KEPT),
    "kernel.unreadable": Case(breaks=of(kernel_=make.kernel(data=b"no kernel")), keeps=_KEPT),
    "kernel.format": Case(breaks=of(kernel_=make.kernel(data=make.vmlinux(pvh=False))), keeps=_KEPT),
}
