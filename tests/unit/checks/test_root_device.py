from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.checks.root_device import CHECK
from bootworthy.vocabulary import Finding, Severity
from tests.check_cases import of
from tests.check_trees import DISKS

UUID = "d34db33f-0000-8000-8000-000000000000"
NONE: dict[str, object] = {}
OURS, OTHERS = {"initrd": True, "ours": True}, {"initrd": True}
HERE = "there are /dev/vda (the root volume, LABEL=root) and /dev/vdb (the modules volume, LABEL=modules)"
ABSENT = f"there is no such disk; {HERE}"
PARTS = f"no disk has partitions; {HERE}"
ALONE = "a kernel without an initial RAM disk looks for devices alone"
OWN = "the initial RAM disk knows LABEL=, UUID= and /dev/ alone"
UDEV = "udev makes this name, and there is none before the root is mounted"


def found(folder: Path, line: str, **given: object) -> list[Finding]:
    return list(CHECK.find(of(disks=DISKS, command_line=tuple(line.split()), **given)(folder)))


@pytest.mark.parametrize(
    ("value", "alone", "ours", "others"),
    [
        ("/dev/vda", "", "", ""),
        ("/dev/vda1", ABSENT, ABSENT, ABSENT),
        ("/dev/sda", ABSENT, ABSENT, ABSENT),
        ("/dev/vdb", "this is the modules volume", "this is the modules volume", "this is the modules volume"),
        ("vda", ALONE, OWN, ""),
        ("LABEL=root", ALONE, "", ""),
        ("LABEL=other", ALONE, ABSENT, ABSENT),
        ("LABEL=modules", ALONE, "this is the modules volume", "this is the modules volume"),
        (f"UUID={UUID.upper()}", ALONE, "", ""),
        ("PARTUUID=1", PARTS, PARTS, PARTS),
        ("PARTLABEL=root", PARTS, PARTS, PARTS),
        ("/dev/disk/by-partuuid/1", PARTS, PARTS, PARTS),
        ("/dev/disk/by-label/root", UDEV, UDEV, ""),
        ("/dev/disk/by-label/other", UDEV, UDEV, ABSENT),
        ("/dev/disk/by-id/virtio-root", UDEV, UDEV, ""),
        ("/dev/mapper/a-b", "", "", ""),
        ("/dev/nfs", "", "", ""),
        ("254:0", "", OWN, ""),
        ("fe00", "", OWN, ""),
        ("live:LABEL=x", ALONE, OWN, ""),
    ],
)
def test_where_the_root_is(tmp_path: Path, value: str, alone: str, ours: str, others: str) -> None:
    for says, given in ((alone, NONE), (ours, OURS), (others, OTHERS)):
        findings = found(tmp_path, f"root={value} rw", **given)
        assert [each.message for each in findings] == ([f"root={value}: {says}"] if says else [])
        assert {(each.id, each.severity) for each in findings} <= {("cmdline.root-missing", Severity.ERROR)}


def test_a_uuid_that_is_known_to_be_another(tmp_path: Path) -> None:
    assert found(tmp_path, "root=UUID=1", **OURS) == []  # it may be that of the modules volume
    (finding,) = CHECK.find(of(disks=DISKS[:1], command_line=("root=UUID=1",), **OURS)(tmp_path))
    assert finding.message.startswith("root=UUID=1: there is no such disk; there are /dev/vda")


@pytest.mark.parametrize("line", ["rw", "root= rw"])
def test_no_root_at_all(tmp_path: Path, line: str) -> None:
    for given in (NONE, OURS):
        (finding,) = found(tmp_path, line, **given)
        assert finding.message == "it says no root="
    assert found(tmp_path, line, **OTHERS) == []
    assert found(tmp_path, line, vmm="firecracker") == []


def test_the_last_root_counts_and_what_is_for_init_does_not(tmp_path: Path) -> None:
    assert found(tmp_path, "root=/dev/sda root=/dev/vda") == []
    (finding,) = found(tmp_path, "rw -- root=/dev/vda")
    assert finding.message == "it says no root= (what is behind `--` is for init)"


def test_a_root_that_the_kernel_does_not_keep_is_none(tmp_path: Path) -> None:
    assert found(tmp_path, "a" * 2000 + " root=/dev/vda") == []
    (finding,) = found(tmp_path, "a" * 2047 + " root=/dev/vda")
    assert finding.message == "it says no root="


def test_nobody_says_what_there_is(tmp_path: Path) -> None:
    assert list(CHECK.find(of(command_line=("root=/dev/sda",))(tmp_path))) == []
    assert list(CHECK.find(of(disks=DISKS)(tmp_path))) == []


@pytest.mark.parametrize(
    ("word", "alone", "ours", "others"),
    [
        ("rootfstype=ext4", False, False, False),
        ("rootfstype=xfs,ext4", False, False, False),
        ("rootfstype=", False, False, False),
        ("rootfstype=auto", True, False, False),
        ("rootfstype=ext3", True, True, False),
    ],
)
def test_what_the_root_is_mounted_as(tmp_path: Path, word: str, alone: bool, ours: bool, others: bool) -> None:
    for broken, given in ((alone, NONE), (ours, OURS), (others, OTHERS)):
        ids = [each.id for each in found(tmp_path, f"root=/dev/vda {word}", **given)]
        assert ids == ["cmdline.root-type"] * broken
