"""Support."""

from __future__ import annotations

from datetime import date

from bootworthy.catalog.versions import Version
from tests import check_trees as make
from tests.check_cases import Case, of

_DAY = date(2026, 9, 2)
_ENDS = {"kernel debian-6.1": "2026-09", "system debian-12": "2026-09-02"}

CASES = {
    "kernel.unsupported-series": Case(
        breaks=of(vmm="firecracker", kernel_=make.kernel(), vmm_version=Version("1.8.0")),
        keeps=of(vmm="firecracker", kernel_=make.kernel(), vmm_version=Version("1.9.0")),
    ),
    "kernel.support-lapsed": Case(
        breaks=of(vmm="firecracker", kernel_=make.kernel(), at=date(2026, 9, 3)),
        keeps=of(vmm="firecracker", kernel_=make.kernel(), at=_DAY),
    ),
    "kernel.end-of-life": Case(breaks=of(ends=_ENDS, at=date(2026, 10, 1)), keeps=of(ends=_ENDS, at=date(2026, 9, 30))),
    "system.end-of-life": Case(breaks=of(ends=_ENDS, at=date(2026, 9, 3)), keeps=of(ends=_ENDS, at=_DAY)),
}
