"""Kernel settings."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import File

_SET = {"etc/sysctl.d/99-kubernetes.conf": File(b"net.bridge.bridge-nf-call-iptables = 1\n")}
_LOADED = {"etc/modules-load.d/kubernetes.conf": File(b"br_netfilter\n")}
_MODULES = make.modules(["br_netfilter", "virtio_blk"])

CASES = {
    "sysctl.module-missing": Case(
        breaks=of(root_=make.root() | _SET | _LOADED, kernel_=make.kernel(), modules_=make.modules()),
        keeps=of(root_=make.root() | _SET | _LOADED, kernel_=make.kernel(), modules_=_MODULES),
    ),
    "sysctl.module-not-loaded": Case(
        breaks=of(root_=make.root() | _SET, kernel_=make.kernel(), modules_=_MODULES),
        keeps=of(root_=make.root() | _SET | _LOADED, kernel_=make.kernel(), modules_=_MODULES),
    ),
}
