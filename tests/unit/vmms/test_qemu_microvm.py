from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.errors import HostError, NotFoundError
from bootworthy.machines.qemu_microvm import FACTS
from bootworthy.vmms import vmm as vmms
from bootworthy.vmms.compose import Bootable, Volume, compose
from bootworthy.vmms.plan import LaunchPlan
from bootworthy.vmms.qemu_microvm import VMM, parse_version
from bootworthy.vocabulary import Accelerator, Architecture, Severity

QEMU = Path("/usr/bin/qemu-system-x86_64")


def file(name: str) -> Volume:
    return Volume(path=Path("/v") / name, digest=f"sha256:{'a' * 64}")


def plan(accelerator: Accelerator = Accelerator.TCG) -> LaunchPlan:
    bootable = Bootable(
        architecture=Architecture.X86_64, kernel=file("vmlinux"), initrd=file("initrd"), root=file("root,1"),
        modules=file("modules"),
    )  # fmt: skip
    return compose(FACTS, bootable, accelerator=accelerator, clock=("tsc_early_khz=1000",))


def test_the_whole_command() -> None:
    assert VMM.argv(plan(), QEMU) == [
        "/usr/bin/qemu-system-x86_64", "-M", "microvm,acpi=on,rtc=on", "-accel", "tcg,thread=multi", "-cpu", "max",
        "-bios", "qboot.rom", "-smp", "2", "-m", "1024",
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-chardev", "stdio,id=console,signal=on", "-serial", "chardev:console",
        "-kernel", "/v/vmlinux", "-initrd", "/v/initrd",
        "-append", "console=ttyS0 panic=-1 root=LABEL=root rw reboot=t tsc_early_khz=1000",
        "-drive", "id=root,file=/v/root,,1,format=raw,if=none", "-device", "virtio-blk-device,drive=root,serial=root",
        "-drive", "id=modules,file=/v/modules,format=raw,if=none,readonly=on",
        "-device", "virtio-blk-device,drive=modules,serial=modules",
        "-netdev", "user,id=net0,restrict=on", "-device", "virtio-net-device,netdev=net0,mac=52:54:00:b0:07:01",
        "-object", "rng-random,id=entropy,filename=/dev/urandom", "-device", "virtio-rng-device,rng=entropy",
    ]  # fmt: skip


def test_what_differs() -> None:
    kvm = VMM.argv(plan(Accelerator.KVM), QEMU)
    assert kvm[kvm.index("-accel") + 1 : kvm.index("-bios")] == ["kvm", "-cpu", "host"]
    assert "-initrd" not in VMM.argv(replace(plan(), initrd=None), QEMU)
    assert "stdio,id=console,signal=off" in VMM.argv(plan(), QEMU, interactive=True)
    volatile = replace(plan(), drives=tuple(replace(drive, volatile=True) for drive in plan().drives))
    written = [word for word in VMM.argv(volatile, QEMU) if "snapshot=on" in word]
    assert written == ["id=root,file=/v/root,,1,format=raw,if=none,snapshot=on"]


def test_versions() -> None:
    assert parse_version("QEMU emulator version 7.2.11 (Debian 1:7.2+dfsg-7)\nCopyright", "x") == "7.2.11"
    assert parse_version("QEMU emulator version 10.0.2", "x") == "10.0.2"
    with pytest.raises(HostError) as caught:
        parse_version("Segmentation fault", "/opt/qemu")
    assert (caught.value.code, caught.value.where) == ("vmm.version", "/opt/qemu")


@pytest.mark.parametrize(
    ("version", "release", "accelerator", "severities"),
    [
        ("7.2.11", "6.12.57+deb13-cloud-amd64", Accelerator.TCG, [Severity.ERROR]),
        ("7.2.11", "6.18", Accelerator.TCG, [Severity.ERROR]),
        ("7.2.11", None, Accelerator.TCG, [Severity.WARNING]),
        ("7.2.11", "6.1.0-56-cloud-amd64", Accelerator.TCG, []),
        ("7.2.11", "6.12.57", Accelerator.KVM, []),
        ("8.0.0", "6.12.57", Accelerator.TCG, []),
        ("10.0.2", "6.12.57", Accelerator.TCG, []),
    ],
)
def test_an_old_qemu_is_unfit_for_new_kernels_under_tcg(
    version: str, release: str | None, accelerator: Accelerator, severities: list[Severity]
) -> None:
    findings = VMM.fitness(version, release, accelerator)
    assert [finding.severity for finding in findings] == severities
    assert all("apt-get install" in finding.remedy for finding in findings)


def test_only_an_emulated_guest_is_told_about_the_clock() -> None:
    assert VMM.clock(Accelerator.KVM) == ()
    words = VMM.clock(Accelerator.TCG)
    assert all(word == "tsc=reliable" or word.startswith("tsc_early_khz=") for word in words)


@pytest.mark.parametrize(
    ("said", "image"),
    [
        ("qemu-system-x86_64: Error loading uncompressed kernel without PVH ELF Note", True),
        ("qemu: could not load kernel 'x': No such file or directory", True),
        ("qemu: linux kernel too old to load a ram disk", True),
        ("qemu-system-x86_64: cannot set up guest memory 'ram': Cannot allocate memory", False),
        ("Could not access KVM kernel module: No such file or directory", False),
        ("qemu-system-x86_64: failed to initialize kvm: Permission denied", False),
        ("", False),
    ],
)
def test_whom_the_last_words_blame(said: str, image: bool) -> None:
    assert VMM.blames_image(said) is image


def test_vmms_are_found_by_name() -> None:
    assert vmms.vmm("qemu-microvm") is VMM
    assert list(vmms.known()) == ["qemu-microvm"]
    with pytest.raises(NotFoundError) as caught:
        vmms.vmm("qemu-microwm")
    assert caught.value.hint == "did you mean qemu-microvm?"
