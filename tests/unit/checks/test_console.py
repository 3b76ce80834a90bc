from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.checks.console import CHECK
from bootworthy.vocabulary import Architecture, Severity
from tests import check_trees as make
from tests.check_cases import of

X86, ARM = Architecture.X86_64, Architecture.AARCH64
QEMU = "and QEMU microvm has ttyS0"
LAST = "init speaks to the last alone"


@pytest.mark.parametrize(
    ("vmm", "architecture", "line", "says"),
    [
        ("qemu-microvm", X86, "console=ttyS0", ""),
        ("qemu-microvm", X86, "console=ttyS0,115200n8", ""),
        ("qemu-microvm", X86, "console=uart,io,0x3f8", ""),
        ("qemu-microvm", X86, "console=tty0 console=ttyS0", ""),
        ("qemu-microvm", X86, "rw", "it says no console="),
        ("qemu-microvm", X86, "console=hvc0", f"the console is hvc0, {QEMU}"),
        ("qemu-microvm", X86, "console=", f"the console is nothing, {QEMU}"),
        ("qemu-microvm", X86, "console=ttyS1 console=tty0", f"the console is ttyS1 and tty0, {QEMU}"),
        ("qemu-microvm", X86, "console=ttyS0 console=tty0", f"the last console is the screen tty0, {QEMU}: {LAST}"),
        ("qemu-microvm", X86, "console=ttyS0 console=hvc0", ""),
        ("firecracker", ARM, "console=ttyAMA0", "the console is ttyAMA0, and Firecracker has ttyS0"),
        ("firecracker", ARM, "rw", ""),
        ("cloud-hypervisor", X86, "console=hvc0", ""),
        ("cloud-hypervisor", ARM, "console=hvc0", ""),
        ("cloud-hypervisor", ARM, "console=ttyS0", "the console is ttyS0, and Cloud Hypervisor has ttyAMA0 and hvc0"),
        ("qemu-microvm", ARM, "console=ttyAMA0", ""),
        ("qemu-microvm", X86, "", ""),
    ],
)  # fmt: skip
def test_the_console_is_one_that_there_is(
    tmp_path: Path, vmm: str, architecture: Architecture, line: str, says: str
) -> None:
    subject = of(vmm=vmm, architecture=architecture, command_line=tuple(line.split()))(tmp_path)
    findings = list(CHECK.find(subject))
    assert [each.message for each in findings] == ([says] if says else [])
    assert {(each.id, each.severity) for each in findings} <= {("cmdline.console", Severity.WARNING)}


@pytest.mark.parametrize(("config", "said"), [("CONFIG_VT_CONSOLE=y\n", True), ("CONFIG_VT=y\n", False), (None, True)])
def test_a_kernel_without_screens_passes_them_over(tmp_path: Path, config: str | None, said: bool) -> None:
    subject = of(kernel_=make.kernel(config), command_line=("console=ttyS0", "console=tty1"))(tmp_path)
    assert [each.id for each in CHECK.find(subject)] == ["cmdline.console"] * said
