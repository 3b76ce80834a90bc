from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.checks.limits import CHECK
from bootworthy.layers.node import Kind, Node
from bootworthy.vocabulary import Severity
from tests import check_trees as make
from tests.check_cases import of

MIB = 1 << 20


@pytest.mark.parametrize(
    ("vmm", "vcpus", "broken"),
    [
        ("firecracker", 1, ""),
        ("firecracker", 2, ""),
        ("firecracker", 3, "machine.vcpu-pairs"),
        ("firecracker", 32, ""),
        ("firecracker", 33, "machine.vcpus"),
        ("firecracker", 0, "machine.vcpus"),
        ("qemu-microvm", 288, ""),
        ("qemu-microvm", 289, "machine.vcpus"),
        ("cloud-hypervisor", 3, ""),
        ("cloud-hypervisor", 254, ""),
        ("cloud-hypervisor", 255, "machine.vcpus"),
    ],
)
def test_vcpus(tmp_path: Path, vmm: str, vcpus: int, broken: str) -> None:
    assert [each.id for each in CHECK.find(of(vmm=vmm, vcpus=vcpus)(tmp_path))] == ([broken] if broken else [])


@pytest.mark.parametrize(
    ("memory", "severity"), [(95, Severity.ERROR), (96, Severity.WARNING), (111, Severity.WARNING), (112, None)]
)
def test_the_kernel_and_the_initial_ram_disk_must_fit(tmp_path: Path, memory: int, severity: Severity | None) -> None:
    subject = of(
        kernel_=make.kernel(data=make.loaded_at(16 * MIB, 48 * MIB)), memory_mib=memory,
        initrd={"boot/initrd": Node(Kind.FILE, 0o644, size=32 * MIB)},
    )(tmp_path)  # fmt: skip
    findings = [(each.id, each.severity, each.message) for each in CHECK.find(subject)]
    says = f"kernel and initial RAM disk alone take 96 MiB, and the guest gets {memory}"
    assert findings == ([("machine.memory", severity, says)] if severity else [])


def test_a_kernel_that_cannot_be_read_takes_nobody_knows_what(tmp_path: Path) -> None:
    for kernel in (make.kernel(data=b"no kernel"), make.kernel(data=make.loaded_at(1 << 63, 1)), {}):
        assert list(CHECK.find(of(kernel_=kernel, memory_mib=1)(tmp_path))) == []
