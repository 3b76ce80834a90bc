from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bootworthy.catalog.versions import Version
from bootworthy.checks import rule
from bootworthy.checks.disk import Disk
from bootworthy.checks.run import run
from bootworthy.checks.subject import Subject
from bootworthy.machines.facts import KernelFormat, known
from bootworthy.vocabulary import Architecture, Role
from tests import check_trees as make
from tests.check_cases import of
from tests.check_trees import CONFIG, DISKS, File


@pytest.mark.parametrize(
    ("version", "name", "formats"),
    [
        (None, "Cloud Hypervisor", (KernelFormat.PVH, KernelFormat.BZIMAGE)),
        ("38.0", "Cloud Hypervisor 38.0", (KernelFormat.PVH,)),
        ("39.0", "Cloud Hypervisor 39.0", (KernelFormat.PVH, KernelFormat.BZIMAGE)),
    ],
)
def test_a_release_boots_what_it_boots(
    tmp_path: Path, version: str | None, name: str, formats: tuple[KernelFormat, ...]
) -> None:
    subject = of(vmm="cloud-hypervisor", vmm_version=Version(version) if version else None)(tmp_path)
    assert (subject.vmm, subject.kernel_formats) == (name, formats)


def test_an_initial_ram_disk_is_ours_by_its_label(tmp_path: Path) -> None:
    assert not make.subject(tmp_path).initrd_is_ours
    assert not make.subject(tmp_path, initrd=True).initrd_is_ours
    assert make.subject(tmp_path, initrd=True, ours=True).initrd_is_ours


def test_words_with_spaces_are_words(tmp_path: Path) -> None:
    line = of(command_line=("quiet", 'x="a b"', "--", "a"))(tmp_path).arguments
    assert ([word.text for word in line.words], line.init) == (["quiet", 'x="a b"'], ("a",))


RULES = {each.id for family in rule.known().values() for each in family.rules}
WORDS = [
    "root=/dev/vda", "root=LABEL=root", "root=UUID=1", "root=", "root=é", 'root="', "rootfstype=,", "console=ttyS0",
    "console=", "nomodule", "nomodule=0", "pci=off", "acpi=off", "--", "ro", "rw", "init=/bin/sh", "init=", "rdinit=/x",
    "\udcff", "\x1b[2J", "a" * 3000,
]  # fmt: skip


def setting(draw: random.Random) -> dict[str, object]:
    """The fields of a subject that say where it is to boot."""

    def disk() -> Disk:
        return Disk(draw.choice(["vda", "vdb"]), draw.choice(list(Role)), draw.choice(["", "x", "root"]), None)

    ends = [None, "2024", "2024-06", "2024-06-30", "2999"]
    return {
        "command_line": tuple(draw.choice(WORDS) for _ in range(draw.randrange(7))),
        "disks": draw.choice([(), DISKS, tuple(disk() for _ in range(draw.randrange(4)))]),
        "devices": frozenset(draw.sample(["pci", "metadata", "gpu"], draw.randrange(4))),
        "metadata_only": draw.random() < 0.5,
        "vmm_version": draw.choice([None, *map(Version, ["0.1", "1.9.0", "99"])]),
        "vcpus": draw.randint(-1, 300), "memory_mib": draw.choice([0, 1, 16, 64, 128, 1024, 1 << 20]),
        "at": draw.choice([None, date(2020, 1, 1), date(2026, 11, 21), date(2040, 1, 1)]),
        "ends": {name: end for name in ("system a", "kernel b") if (end := draw.choice(ends)) is not None},
    }  # fmt: skip


@pytest.fixture(scope="module")
def subjects(tmp_path_factory: pytest.TempPathFactory) -> list[Subject]:
    """One for each VMM and architecture, with images that have something to be looked at."""
    table = {"etc/fstab": File(b"LABEL=x /x ext4\n/dev/sda1 /y ext4 nofail\n\x1b[2J /\n")}
    return [
        make.subject(
            tmp_path_factory.mktemp("images"), root_=make.root() | table,
            kernel_=make.kernel(CONFIG.replace("=y", "=m")), modules_=make.modules(), initrd=ours, ours=ours, vmm=vmm,
            architecture=architecture,
        )
        for vmm in sorted(known())
        for architecture in Architecture
        for ours in (False, True)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
def test_no_setting_makes_a_check_fail(subjects: list[Subject], seed: int) -> None:
    draw = random.Random(seed)
    for subject in subjects:
        for finding in run(replace(subject, **setting(draw))):  # type: ignore[arg-type]
            assert finding.id in RULES
            assert finding.message.isprintable()
