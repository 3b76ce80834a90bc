from __future__ import annotations

from pathlib import Path

from bootworthy.checks.architecture import CHECK
from bootworthy.checks.subject import Subject
from bootworthy.vocabulary import Architecture, Finding, Role
from tests import check_trees as make
from tests.check_trees import File


def found(subject: Subject) -> list[Finding]:
    return list(CHECK.find(subject))


def whole(folder: Path, **platforms: Architecture) -> Subject:
    subject = make.subject(folder, root_=make.root(), kernel_=make.kernel(), modules_=make.modules())
    object.__setattr__(subject, "platforms", {Role(role): platform for role, platform in platforms.items()})
    return subject


def test_images_for_the_machine_are_silent(tmp_path: Path) -> None:
    assert found(whole(tmp_path, root=Architecture.X86_64, kernel=Architecture.X86_64)) == []


def test_an_image_for_another_machine_is_an_error(tmp_path: Path) -> None:
    findings = found(whole(tmp_path, root=Architecture.AARCH64, kernel=Architecture.X86_64, disk=Architecture.AARCH64))
    assert [(finding.id, finding.where) for finding in findings] == [
        ("image.architecture", "disk image"),
        ("image.architecture", "root@sha256:0"),
    ]
    assert findings[1].message == "the root image is for aarch64, and the machine is x86_64"


def test_a_kernel_for_another_machine_is_an_error(tmp_path: Path) -> None:
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(data=make.image())))
    assert finding.id == "kernel.architecture"
    assert finding.message == "the kernel is built for aarch64, and the machine is x86_64"


def test_a_kernel_for_a_machine_nobody_here_has_is_an_error(tmp_path: Path) -> None:
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(data=make.vmlinux(machine=243))))
    assert finding.id == "kernel.architecture"
    assert "machine 243" in finding.message


def test_modules_for_another_machine_are_one_error(tmp_path: Path) -> None:
    modules = make.modules()
    for name in ("virtio_blk", "virtio_mmio", "zram"):
        modules[f"kernel/drivers/{name}.ko"] = File(make.module(name, machine=183))
    (finding,) = found(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert finding.id == "modules.architecture"
    assert finding.message == "this module is built for aarch64, and the machine is x86_64"


def test_a_vmm_that_does_not_run_there_is_an_error(tmp_path: Path) -> None:
    subject = make.subject(tmp_path, kernel_=make.kernel(data=make.image()), architecture=Architecture.AARCH64)
    (finding,) = found(subject)
    assert (finding.id, finding.where) == ("machine.architecture", "qemu-microvm")
    assert finding.remedy == "it runs on x86_64"
