from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.checks.command_line import CHECK
from bootworthy.vocabulary import Architecture, Finding, Severity
from tests import check_trees as make
from tests.check_cases import of
from tests.check_trees import CONFIG

ERROR, WARNING = Severity.ERROR, Severity.WARNING
MODULES = CONFIG.replace("EXT4_FS=y", "EXT4_FS=m").replace("VIRTIO_PCI=y", "VIRTIO_PCI=m")


def found(folder: Path, text: str, **given: object) -> list[Finding]:
    return list(CHECK.find(of(command_line=tuple(text.split(" ")) if text else (), **given)(folder)))


@pytest.mark.parametrize("vmm", ["qemu-microvm", "firecracker", "cloud-hypervisor"])
def test_what_we_say_ourselves_is_silent(tmp_path: Path, vmm: str) -> None:
    facts = make.subject(tmp_path, vmm=vmm).facts
    line = " ".join(("console=ttyS0 panic=-1 root=LABEL=root rw", *facts.command_line))
    assert found(tmp_path, line, vmm=vmm) == []


def test_nobody_says_anything(tmp_path: Path) -> None:
    assert found(tmp_path, "") == []


@pytest.mark.parametrize(
    ("vmm", "architecture", "size", "severity"),
    [
        ("firecracker", "x86_64", 2047, None),
        ("firecracker", "x86_64", 2048, ERROR),
        ("firecracker", "aarch64", 2048, ERROR),
        ("cloud-hypervisor", "x86_64", 2047, None),
        ("cloud-hypervisor", "x86_64", 2048, ERROR),
        ("cloud-hypervisor", "x86_64", 65536, ERROR),
        ("cloud-hypervisor", "aarch64", 2048, ERROR),
        ("qemu-microvm", "x86_64", 2048, ERROR),
    ],
)
def test_a_long_line(tmp_path: Path, vmm: str, architecture: str, size: int, severity: Severity | None) -> None:
    line = "a" * (size - 4) + " end"
    findings = found(tmp_path, line, vmm=vmm, architecture=Architecture(architecture))
    assert [(each.id, each.severity) for each in findings] == ([("cmdline.too-long", severity)] if severity else [])


def test_what_is_lost_is_named(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "a" * 2040 + " root=/dev/vda")
    assert finding.message == "it has 2054 bytes, and the kernel has room for 2047; behind them is: dev/vda"


@pytest.mark.parametrize("line", ['root=/dev/vda x="a b', 'root=/dev/vda -- x="a b'])
def test_a_quote_without_end(tmp_path: Path, line: str) -> None:
    (finding,) = found(tmp_path, line)
    assert (finding.id, finding.message) == ("cmdline.quote", 'a quote in x="a b never ends')


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("ro quiet rw", "it says ro and rw; the kernel takes rw"),
        ("rw ro", "it says rw and ro; the kernel takes ro"),
        ("panic=1 panic=-1", "it says panic=1 and panic=-1; the kernel takes panic=-1"),
        ("init=/a init=/b init=/a", "it says init=/a and init=/b; the kernel takes init=/a"),
    ],
)
def test_two_words_against_each_other(tmp_path: Path, line: str, says: str) -> None:
    (finding,) = found(tmp_path, line)
    assert (finding.id, finding.severity, finding.message) == ("cmdline.contradiction", WARNING, says)


@pytest.mark.parametrize("line", ["ro ro", "console=ttyS0 console=hvc0", "panic=1 panic=1", "root=/dev/vda -- root=x"])
def test_what_may_be_said_twice(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, line) == []


def test_no_modules_and_none_needed(tmp_path: Path) -> None:
    kernel = make.kernel()
    assert found(tmp_path, "nomodule", kernel_=kernel) == []
    (finding,) = found(tmp_path, "nomodule", kernel_=kernel, modules_=make.modules())
    assert (finding.severity, finding.message) == (WARNING, "nomodule makes the modules useless: modules@sha256:0: /")


def test_no_modules_and_the_root_needs_one(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "nomodule", kernel_=make.kernel(MODULES))
    assert (finding.id, finding.severity) == ("cmdline.nomodule", ERROR)
    assert finding.message == "nomodule forbids to load ext4, without which the root is not reached"
    (finding,) = found(tmp_path, "nomodule", kernel_=make.kernel(MODULES), vmm="cloud-hypervisor")
    assert "virtio_pci, ext4" in finding.message


def test_no_modules_and_no_configuration(tmp_path: Path) -> None:
    """An initial RAM disk of ours is there for its modules; what another is for, nobody can tell."""
    assert found(tmp_path, "nomodule", kernel_=make.kernel(None), initrd=True) == []
    (finding,) = CHECK.find(of(command_line=("nomodule",), kernel_=make.kernel(None), initrd=True, ours=True)(tmp_path))
    assert (finding.id, finding.severity) == ("cmdline.nomodule", ERROR)


@pytest.mark.parametrize("word", ["pci=off", "pci=nomsi,off"])
def test_pci_is_off(tmp_path: Path, word: str) -> None:
    assert found(tmp_path, word) == []
    (finding,) = found(tmp_path, word, vmm="cloud-hypervisor")
    assert (finding.id, finding.severity) == ("cmdline.pci-off", ERROR)
    (finding,) = found(tmp_path, word, devices=frozenset({"pci"}))
    assert (finding.id, finding.severity) == ("cmdline.pci-off", WARNING)
    assert found(tmp_path, word, vmm="cloud-hypervisor", architecture=Architecture.AARCH64) == []


@pytest.mark.parametrize("line", ["pci=nomsi", "acpi=force", "pci", "acpi"])
def test_other_words_about_buses(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, line, vmm="cloud-hypervisor") == found(tmp_path, line) == []


def test_acpi_is_off(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, "acpi=off")
    assert (finding.id, finding.severity) == ("cmdline.acpi-off", ERROR)
    assert found(tmp_path, "acpi=off", vmm="firecracker") == []
