"""The layouts of other projects are read: what is in them is found, and what does not fit is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.checks import ram_disk, run
from bootworthy.checks.subject import Subject
from bootworthy.vocabulary import Architecture, Finding, Severity
from tests import check_trees as make
from tests import layouts
from tests.check_trees import Entry
from tests.layouts import KAIROS_RELEASE, LM_RELEASE

FLAT = layouts.LIQUID_METAL_FLAT_MODULES


def errors(subject: Subject) -> list[Finding]:
    return [finding for finding in run.run(subject) if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("name", layouts.LIQUID_METAL_KERNELS)
def test_kernels_of_liquid_metal_are_found(tmp_path: Path, name: str) -> None:
    arm = Architecture.AARCH64 if "arm" in name else Architecture.X86_64
    files = layouts.LIQUID_METAL_KERNELS[name]
    subject = make.subject(tmp_path, kernel_=files, modules_=FLAT, vmm="firecracker", architecture=arm)
    kernel = subject.kernel_file
    assert kernel is not None
    assert kernel.release == LM_RELEASE
    assert (kernel.config is not None) is any("config" in path for path in files)
    # The modules of these tests are for one architecture.
    assert {finding.id for finding in errors(subject)} <= {"modules.architecture"}


@pytest.mark.parametrize("modules", [layouts.LIQUID_METAL_MODULES, layouts.LIQUID_METAL_BOTH, layouts.IGNITE_KERNEL])
def test_rooted_modules_are_said_with_what_to_do(tmp_path: Path, modules: dict[str, Entry]) -> None:
    subject = make.subject(
        tmp_path, kernel_=layouts.LIQUID_METAL_KERNELS["kernel-bin"], modules_=modules, vmm="firecracker"
    )
    (finding,) = errors(subject)
    assert (finding.id, finding.where) == ("modules.nested", f"modules@sha256:0: /lib/modules/{LM_RELEASE}")
    assert finding.remedy.startswith("flatten it")
    folder = subject.modules_folder
    assert folder is not None
    assert (folder.release, len(folder.files)) == (LM_RELEASE, 3)


def test_flat_modules_are_right(tmp_path: Path) -> None:
    kernel = layouts.LIQUID_METAL_KERNELS["kernel-bin"]
    assert errors(make.subject(tmp_path, kernel_=kernel, modules_=FLAT, vmm="firecracker")) == []


@pytest.mark.parametrize("kernel", [layouts.LIQUID_METAL_BOTH, layouts.IGNITE_KERNEL])
def test_modules_that_nobody_mounts_are_said(tmp_path: Path, kernel: dict[str, Entry]) -> None:
    found = run.run(make.subject(tmp_path, root_=make.root(), kernel_=kernel, vmm="firecracker"))
    (finding,) = (each for each in found if each.id == "modules.unused")
    assert finding.where == f"kernel@sha256:0: /lib/modules/{LM_RELEASE}"
    assert finding.message.startswith("3 modules are in the kernel image")


@pytest.mark.parametrize("links", [True, False])
def test_a_whole_system_of_kairos_is_read(tmp_path: Path, *, links: bool) -> None:
    subject = make.subject(tmp_path, root_=layouts.kairos(links=links))
    object.__setattr__(subject, "initrd", subject.root)
    assert subject.root is not None
    assert subject.release == KAIROS_RELEASE
    assert subject.modules_folder is not None
    assert subject.modules_folder.release == KAIROS_RELEASE
    assert not subject.modules_are_a_volume
    assert ram_disk.locate(subject.root, subject.release) == b"boot/initrd"
    assert subject.ram_disk is not None
    assert subject.ram_disk.fault is None
    assert "virtio_blk" in subject.ram_disk.modules
    assert errors(subject) == []


def test_links_that_never_end_are_no_kernel(tmp_path: Path) -> None:
    round_ = {"boot/vmlinuz": make.Link(b"/boot/vmlinuz-6.1"), "boot/vmlinuz-6.1": make.Link(b"vmlinuz")}
    (finding,) = errors(make.subject(tmp_path, kernel_=round_))
    assert finding.id == "kernel.missing"
