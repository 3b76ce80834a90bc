from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootworthy.machines.qemu_microvm import FACTS
from bootworthy.vmms import accelerator
from bootworthy.vmms.compose import Bootable, Volume, compose
from bootworthy.vmms.plan import LaunchPlan
from bootworthy.vmms.qemu_microvm import VMM
from bootworthy.vocabulary import Accelerator, Architecture
from tests import guests
from tests.needs import need


def plan(folder: Path) -> LaunchPlan:
    (folder / "kernel").write_bytes(guests.elf(b"Linux version 1\r\n"))
    file = Volume(path=folder / "kernel", digest="sha256:0")
    bootable = Bootable(architecture=Architecture.X86_64, kernel=file, initrd=None, root=file)
    return compose(FACTS, bootable, accelerator=Accelerator.TCG, memory_mib=128)


def test_a_guest_that_does_not_say_the_word_did_not_run(tmp_path: Path) -> None:
    need("qemu-system-x86_64")
    reason = accelerator.trial(VMM, VMM.tool.require(), plan(tmp_path), b"busybox", patience=3.0)
    assert reason is not None
    assert "under KVM" in reason


def test_without_kvm_a_choice_names_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need("qemu-system-x86_64")
    monkeypatch.setattr(accelerator, "_PATIENCE", 3.0)
    choice = accelerator.choose(VMM, VMM.tool.require(), plan(tmp_path), b"busybox", tmp_path / "cache")
    assert choice.accelerator is Accelerator.TCG
    assert choice.reason


def test_the_trials_initramfs_unpacks_elsewhere(tmp_path: Path) -> None:
    need("cpio")
    archive = accelerator.trial_initrd(b"busybox", "word")
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=archive, capture_output=True, check=True).stdout.split()
    assert listed == [b"bin", b"bin/busybox", b"dev", b"dev/console", b"init"]
