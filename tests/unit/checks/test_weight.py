from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.checks.weight import CHECK
from bootworthy.layers.node import Chunk, Kind, Node
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import RELEASE, Entry

Entries = dict[str, Entry]


def large(size: int = 9_000_000) -> Node:
    """A file of so many bytes, of which no test reads one."""
    return Node(Kind.FILE, 0o644, size=size, chunks=(Chunk(0, size, 0, 0),))


KERNEL: Entries = {f"boot/vmlinuz-{RELEASE}": large(), f"boot/initrd.img-{RELEASE}": large()}
MODULES: Entries = {f"usr/lib/modules/{RELEASE}/kernel/x.ko": large()}


def found(folder: Path, entries: Entries, *, kernel: bool = True, modules: bool = True) -> list[Finding]:
    subject = make.subject(
        folder, root_=make.root() | entries, kernel_=make.kernel() if kernel else None,
        modules_=make.modules() if modules else None,
    )  # fmt: skip
    return list(CHECK.find(subject))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (KERNEL, "18 MB of a kernel in /boot, and the kernel comes from another image"),
        (MODULES, "9 MB of a kernel in /usr/lib/modules, and the kernel comes from another image"),
        (KERNEL | MODULES, "27 MB of a kernel in /boot and /usr/lib/modules, and the kernel comes from another image"),
    ],
)
def test_a_kernel_that_is_never_booted_is_a_note(tmp_path: Path, entries: Entries, message: str) -> None:
    (finding,) = found(tmp_path, entries)
    assert (finding.id, finding.severity, finding.message) == ("weight.kernel", Severity.NOTE, message)


def test_a_kernel_that_is_booted_is_none(tmp_path: Path) -> None:
    assert found(tmp_path, KERNEL | MODULES, kernel=False, modules=False) == []
    subject = make.subject(tmp_path, root_=make.root() | KERNEL | MODULES)
    assert list(CHECK.find(replace(subject, kernel=subject.root, modules=subject.root))) == []


def test_modules_that_are_used_are_not_weighed(tmp_path: Path) -> None:
    assert found(tmp_path, MODULES, modules=False) == []
    (finding,) = found(tmp_path, KERNEL | MODULES, modules=False)
    assert finding.message.startswith("18 MB of a kernel in /boot,")


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {f"boot/config-{RELEASE}": large(200_000)},
        {"boot/grub/grub.cfg": large()},
        {"usr/lib/modules/x.ko": Node(Kind.FILE, 0o644, size=1 << 40)},
    ],
)
def test_what_is_small_or_something_else_is_silent(tmp_path: Path, entries: Entries) -> None:
    assert found(tmp_path, entries) == []


def test_a_file_of_two_names_is_one(tmp_path: Path) -> None:
    once = large(5_000_000)
    assert found(tmp_path, {"boot/vmlinuz-a": once, "boot/vmlinuz-b": once}) == []


@pytest.mark.parametrize(
    ("entries", "id_"),
    [
        ({"var/cache/apt/archives/x.deb": large()}, "weight.package-cache"),
        ({"var/lib/apt/lists/x_Packages": large()}, "weight.package-cache"),
        ({"var/cache/dnf/x.rpm": large()}, "weight.package-cache"),
        ({"var/cache/man/index.db": large()}, None),
        ({"usr/lib/firmware/x.bin": large()}, "weight.firmware"),
    ],
)
def test_what_nobody_needs_is_a_note(tmp_path: Path, entries: Entries, id_: str | None) -> None:
    findings = found(tmp_path, entries)
    assert [(finding.id, finding.severity) for finding in findings] == ([(id_, Severity.NOTE)] if id_ else [])


def test_a_machine_with_devices_of_its_own_may_need_firmware(tmp_path: Path) -> None:
    subject = make.subject(tmp_path, root_=make.root() | {"usr/lib/firmware/x.bin": large()})
    assert list(CHECK.find(replace(subject, devices=frozenset({"pci"})))) == []
