"""Limits."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of

CASES = {
    "machine.vcpus": Case(breaks=of(vmm="firecracker", vcpus=33), keeps=of(vmm="firecracker", vcpus=32)),
    "machine.vcpu-pairs": Case(breaks=of(vmm="firecracker", vcpus=3), keeps=of(vmm="cloud-hypervisor", vcpus=3)),
    "machine.memory": Case(
        breaks=of(kernel_=make.kernel(data=make.loaded_at(63 << 20, 2 << 20)), memory_mib=64),
        keeps=of(kernel_=make.kernel(data=make.loaded_at(46 << 20, 2 << 20)), memory_mib=64),
    ),
}
