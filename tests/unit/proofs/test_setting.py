from __future__ import annotations

from dataclasses import replace

import pytest

from bootworthy.catalog.entries import Machine
from bootworthy.catalog.versions import Version, VersionRange
from bootworthy.machines.facts import facts
from bootworthy.proofs import setting
from bootworthy.proofs.setting import Setting
from bootworthy.vocabulary import Architecture

X86 = Architecture.X86_64
QEMU = facts("qemu-microvm")
SPLIT = {"root": "sha256:1", "kernel": "sha256:2", "modules": "sha256:3"}
MACHINE = Machine(name="m", vmm="qemu-microvm", architecture=X86, vcpus=4, memory_mib=512, provides=frozenset({"gpu"}))


def drives(found: Setting) -> list[tuple[str, str, bool]]:
    return [(drive.name, drive.role.value, drive.read_only) for drive in found.drives]


def test_the_line_and_the_disks_are_those_of_a_boot() -> None:
    found = setting.of_machine(QEMU, X86, SPLIT | {"initrd": "sha256:4"})
    assert found.command_line == ("console=ttyS0", "panic=-1", "root=LABEL=root", "rw", "reboot=t")
    assert drives(found) == [("vda", "root", False), ("vdb", "modules", True)]
    alone = setting.of_machine(QEMU, X86, {"root": "sha256:1", "kernel": "sha256:2"})
    assert "root=/dev/vda" in alone.command_line
    assert drives(alone) == [("vda", "root", False)]


def test_roles_of_one_image_have_one_disk() -> None:
    assert len(setting.of_machine(QEMU, X86, {"root+kernel+modules": "sha256:1"}).drives) == 1
    assert len(setting.of_machine(QEMU, X86, {"root": "sha256:1", "modules": "sha256:1"}).drives) == 1
    assert len(setting.of_machine(QEMU, X86, {"root": "sha256:1", "kernel+modules": "sha256:2"}).drives) == 2


def test_what_a_machine_says_counts() -> None:
    bare = setting.of_machine(QEMU, X86, SPLIT)
    assert (bare.vcpus, bare.memory_mib, bare.devices, bare.version) == (2, 1024, frozenset(), None)
    found = setting.of_machine(facts("cloud-hypervisor"), X86, SPLIT, MACHINE)
    assert (found.vcpus, found.memory_mib, set(found.devices)) == (4, 512, {"pci", "gpu"})


@pytest.mark.parametrize(
    ("versions", "oldest"),
    [(">=1.7.0,<2", "1.7.0"), ("=1.9", "1.9"), (">1.2,>=1.4", "1.4"), ("<2", None), ("!=1.3", None)],
)
def test_the_oldest_release_is_the_lower_bound(versions: str, oldest: str | None) -> None:
    machine = replace(MACHINE, versions=VersionRange.parse(versions))
    expected = Version(oldest) if oldest else None
    assert setting.of_machine(QEMU, X86, SPLIT, machine).version == expected
    told = setting.of_machine(QEMU, X86, SPLIT, machine, version=Version("3.0"))
    assert told.version == Version("3.0")


def test_a_line_that_is_told_replaces_ours() -> None:
    found = setting.of_machine(QEMU, X86, SPLIT, told='root=/dev/vda  x="a b" ')
    assert found.command_line == ("root=/dev/vda", 'x="a b"')
    assert len(found.drives) == 2


def test_a_vmm_that_does_not_run_there_says_nothing() -> None:
    found = setting.of_machine(QEMU, Architecture.AARCH64, SPLIT)
    assert (found.command_line, found.drives) == ((), ())


def test_everything_that_rules_look_at_is_in_its_document() -> None:
    """What the checks found is found again by it."""
    one = setting.of_machine(QEMU, X86, SPLIT)
    others = [
        replace(one, vcpus=3), replace(one, memory_mib=1), replace(one, version=Version("1.0")),
        replace(one, devices=frozenset({"pci"})), replace(one, command_line=("quiet",)),
        replace(one, facts=facts("firecracker")), replace(one, architecture=Architecture.AARCH64),
    ]  # fmt: skip
    assert len({str(each.as_json()) for each in (one, *others)}) == len(others) + 1
