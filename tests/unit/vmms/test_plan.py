from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import NotFoundError, UsageError
from bootworthy.machines.firecracker import FACTS as FIRECRACKER
from bootworthy.machines.qemu_microvm import FACTS
from bootworthy.vmms.compose import Bootable, Volume, compose
from bootworthy.vmms.plan import DriveFormat, LaunchPlan
from bootworthy.vocabulary import Accelerator, Architecture, Role

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"


def volume(name: str, digest: str = DIGEST) -> Volume:
    return Volume(path=Path("/volumes") / name, digest=digest)


def bootable(**changes: object) -> Bootable:
    whole = Bootable(
        architecture=Architecture.X86_64, kernel=volume("vmlinux"), initrd=volume("initrd"), root=volume("root"),
        modules=volume("modules"),
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type]


def plan(*words: str, **changes: object) -> LaunchPlan:
    return compose(FACTS, bootable(**changes), accelerator=Accelerator.TCG, words=words)


def test_drives_are_ordered_and_only_the_root_is_written() -> None:
    drives = plan().drives
    assert [(drive.role, drive.name, drive.read_only) for drive in drives] == [
        (Role.ROOT, "vda", False),
        (Role.MODULES, "vdb", True),
    ]
    assert [drive.role for drive in plan(modules=None).drives] == [Role.ROOT]


def test_the_root_is_found_by_label_where_an_initramfs_can() -> None:
    assert plan().command_line == ("console=ttyS0", "panic=-1", "root=LABEL=root", "rw", *FACTS.command_line)
    assert "root=/dev/vda" in plan(initrd=None).command_line
    assert "ro" in plan(root_read_only=True).command_line
    assert plan(root_read_only=True).drives[0].read_only


def test_what_a_machine_says_wins_over_what_the_vmm_is_given() -> None:
    assert (plan().vcpus, plan().memory_mib) == (FACTS.vcpus, FACTS.memory_mib)
    other = compose(FACTS, bootable(), accelerator=Accelerator.KVM, vcpus=1, memory_mib=256)
    assert (other.vcpus, other.memory_mib) == (1, 256)


def test_an_architecture_that_the_vmm_does_not_run_on() -> None:
    with pytest.raises(NotFoundError):
        plan(architecture=Architecture.AARCH64)


def test_the_digest_does_not_see_what_is_local_to_a_run_or_a_host() -> None:
    first = plan("bootworthy.token=0123", "bootworthy.wait=240")
    moved = replace(
        plan("bootworthy.token=4567", "bootworthy.wait=48", kernel=Volume(path=Path("/elsewhere"), digest=DIGEST)),
        drives=tuple(
            replace(drive, path=Path("/tmp/x"), format=DriveFormat.QCOW2, volatile=True) for drive in first.drives
        ),
    ).under(Accelerator.KVM, ("tsc_early_khz=1",))
    assert moved.as_json() != first.as_json()
    assert moved.digest() == first.digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": volume("vmlinux", OTHER)},
        {"initrd": volume("initrd", OTHER)},
        {"initrd": None},
        {"root": volume("root", OTHER)},
        {"modules": None},
        {"root_read_only": True},
    ],
)
def test_the_digest_sees_what_boots(changes: dict[str, object]) -> None:
    assert plan(**changes).digest() != plan().digest()


def test_the_digest_sees_the_machine_and_the_command_line() -> None:
    digests = {
        plan().digest(),
        plan("quiet").digest(),
        replace(plan(), vcpus=1).digest(),
        replace(plan(), memory_mib=1).digest(),
        replace(plan(), nics=()).digest(),
        compose(FIRECRACKER, bootable(), accelerator=Accelerator.TCG).digest(),
    }
    assert len(digests) == 6


def test_a_plan_is_json() -> None:
    assert json.loads(json.dumps(plan().as_json()))["drives"][0]["path"] == "/volumes/root"


@given(st.text(max_size=20))
def test_a_word_is_one_word(text: str) -> None:
    if text.split() == [text]:
        assert plan(text).arguments[-1] == text
    else:
        with pytest.raises(UsageError):
            plan(text)
