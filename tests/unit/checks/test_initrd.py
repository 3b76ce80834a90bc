from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.checks import architecture, drivers, ram_disk
from bootworthy.checks.initrd import CHECK
from bootworthy.checks.ram_disk import locate
from bootworthy.kernels.elf import MACHINE_AARCH64
from bootworthy.vocabulary import Finding, Severity
from tests import check_trees as make
from tests.check_trees import CONFIG, DRIVERS, RELEASE, Entry, File, Link

Entries = dict[str, Entry]
MODULES = CONFIG.replace(DRIVERS, DRIVERS.replace("=y", "=m"))
WHERE = "initrd@sha256:0: /boot/initrd"


def found(folder: Path, entries: Entries, *, config: str = MODULES, line: tuple[str, ...] = ()) -> list[Finding]:
    """What is said of an initial RAM disk with these entries."""
    return said(folder, make.initrd(entries), config=config, line=line)


def said(folder: Path, initrd: Entries, *, config: str = MODULES, line: tuple[str, ...] = ()) -> list[Finding]:
    subject = make.subject(folder, root_=make.root(), kernel_=make.kernel(config), initrd=initrd)
    return list(CHECK.find(replace(subject, command_line=line)))


def packed(initrd: Entries) -> bytes:
    file = initrd["boot/initrd"]
    assert isinstance(file, File)
    return file.content


def test_ours_is_silent(tmp_path: Path) -> None:
    assert found(tmp_path, make.ram_disk()) == []


def test_without_one_nothing_is_said(tmp_path: Path) -> None:
    assert list(CHECK.find(make.subject(tmp_path, root_=make.root(), kernel_=make.kernel()))) == []


def test_an_image_without_one_is_an_error(tmp_path: Path) -> None:
    (finding,) = said(tmp_path, {"boot/vmlinux": File(b"")})
    assert (finding.id, finding.severity, finding.where) == ("initrd.missing", Severity.ERROR, WHERE)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"no disk", "it is no initial RAM disk"),
        (gzip.compress(packed(make.initrd()), mtime=0)[:200], "its gzip data is cut off"),
        (packed(make.initrd())[:500], "it is cut off in a file"),
    ],
)
def test_a_damaged_one_is_an_error(tmp_path: Path, data: bytes, message: str) -> None:
    (finding,) = said(tmp_path, {"boot/initrd": File(data)})
    assert (finding.id, finding.where) == ("initrd.unreadable", WHERE)
    assert message in finding.message


def test_one_that_only_a_kernel_can_read_is_a_note(tmp_path: Path) -> None:
    (finding,) = said(tmp_path, {"boot/initrd": File(b"\x89LZO\0\r\n\x1a\n")})
    assert (finding.id, finding.severity) == ("initrd.unreadable", Severity.NOTE)
    assert "is compressed with LZO" in finding.message


def test_a_damaged_module_of_those_that_are_needed_is_an_error(tmp_path: Path) -> None:
    entries = make.ram_disk(("virtio_mmio", "virtio_blk", "ext4", "zram"))
    assert found(tmp_path, entries | {"modules/zram.ko": File(b"\x7fELF")}) == []
    (finding,) = found(tmp_path, entries | {"modules/ext4.ko": File(b"\x7fELF")})
    assert (finding.id, finding.where) == ("initrd.unreadable", f"{WHERE}: /modules/ext4.ko")


@pytest.mark.parametrize(
    ("unset", "message"),
    [
        ("RD_GZIP", "without CONFIG_RD_GZIP,"),
        ("BLK_DEV_INITRD", "without CONFIG_BLK_DEV_INITRD,"),
    ],
)
def test_the_kernel_must_know_how_to_unpack_it(tmp_path: Path, unset: str, message: str) -> None:
    initrd: Entries = {"boot/initrd": File(gzip.compress(packed(make.initrd())))}
    assert said(tmp_path, initrd) == []
    (finding,) = said(tmp_path, initrd, config=MODULES.replace(f"CONFIG_{unset}=y\n", ""))
    assert finding.id == "initrd.unsupported"
    assert message in finding.message


@pytest.mark.parametrize(
    ("entries", "line", "id_", "message"),
    [
        ({"init": Link(b"sbin/init")}, (), "initrd.init-missing", "/init is a link to sbin/init, which is not in the"),
        ({"init": File(b"#!/bin/sh\n")}, (), "initrd.init-not-executable", "its mode is 0644"),
        ({"init": b"text"}, (), "initrd.init-not-executable", "is neither an ELF program nor a script"),
        ({"bin/sh": Link(b"dash")}, (), "initrd.init-not-executable", "/init is a script for /bin/sh"),
        ({"bin/busybox": make.program()}, (), "initrd.init-not-executable", "asks for the dynamic linker"),
        (
            {"bin/busybox": make.linked(b"libc.so.6"), "lib64/ld-linux-x86-64.so.2": make.linked(linker=None)},
            (), "initrd.init-not-executable", "needs the library libc.so.6",
        ),
        ({}, ("rdinit=/bin/busybox",), None, ""),
        ({}, ("rdinit=/bin/none",), "initrd.init-missing", "/bin/none is not in the image"),
        ({"init": Link(b"init")}, ("rdinit=",), "initrd.init-missing", "/init is a loop of links"),
    ],
)  # fmt: skip
def test_its_init_must_run(
    tmp_path: Path, entries: Entries, line: tuple[str, ...], id_: str | None, message: str
) -> None:
    findings = found(tmp_path, make.ram_disk() | entries, line=line)
    assert [(finding.id, message in finding.message) for finding in findings] == ([(id_, True)] if id_ else [])


def test_modules_of_another_release_are_an_error_where_they_are_needed(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, make.ram_disk(release="5.4.0"))
    assert (finding.id, finding.severity) == ("initrd.release-mismatch", Severity.ERROR)
    assert finding.message == f"the kernel is {RELEASE}, and this module is built for 5.4.0"
    (finding,) = found(tmp_path, make.ram_disk(release="5.4.0"), config=CONFIG)
    assert (finding.id, finding.severity) == ("initrd.release-mismatch", Severity.WARNING)
    assert found(tmp_path, make.ram_disk([], release="5.4.0"), config=CONFIG) == []


@pytest.mark.parametrize(
    ("entries", "where"),
    [
        (make.ram_disk(machine=MACHINE_AARCH64), "/init"),
        (make.ram_disk() | {"modules/virtio_mmio.ko": File(make.module("virtio_mmio", machine=MACHINE_AARCH64))},
         "/modules/virtio_mmio.ko"),
    ],
)  # fmt: skip
def test_another_architecture_is_said_by_its_own_family(tmp_path: Path, entries: Entries, where: str) -> None:
    subject = make.subject(tmp_path, initrd=make.initrd(entries))
    (finding,) = architecture.CHECK.find(subject)
    assert (finding.id, finding.where) == ("initrd.architecture", f"{WHERE}: {where}")
    assert "is built for aarch64, and the machine is x86_64" in finding.message
    assert list(CHECK.find(subject)) == []


@pytest.mark.parametrize(
    ("names", "release", "path"),
    [
        (["boot/initrd", "boot/initrd.img-6.1"], "6.1", b"boot/initrd"),
        (["boot/initrd.img-6.1", "boot/initrd.img-6.12"], None, b"boot/initrd.img-6.12"),
        (["boot/initrd.img-6.1", "boot/initrd.img-6.12"], "6.1", b"boot/initrd.img-6.1"),
        (["boot/initrd.img-6.1.0-9", "boot/initrd.img-6.12"], "6.1.0-9", b"boot/initrd.img-6.1.0-9"),
        (["boot/initramfs-6.9.img", "boot/initramfs-6.9kdump.img", "boot/initramfs-0-rescue-a.img"], None,
         b"boot/initramfs-6.9.img"),
        (["boot/initramfs-linux.img", "boot/initramfs-linux-fallback.img"], None, b"boot/initramfs-linux.img"),
        (["boot/config-6.1", "init"], None, None),
    ],
)  # fmt: skip
def test_it_is_found_by_the_names_that_distributions_give(
    tmp_path: Path, names: list[str], release: str | None, path: bytes | None
) -> None:
    part = make.part(tmp_path, "whole", {name: File(b"") for name in names})
    assert locate(part, release) == path


def test_it_may_be_in_the_same_image_as_the_root(tmp_path: Path) -> None:
    """As in the images of whole systems, where /boot/initrd may be a link."""
    root = make.root() | {"boot/initrd": Link(b"initrd-6.1"), "boot/initrd-6.1": make.initrd()["boot/initrd"]}
    part = make.part(tmp_path, "whole", root)
    disk = ram_disk.read(part, None)
    assert disk is not None
    assert sorted(disk.modules) == ["ext4", "virtio_blk", "virtio_mmio"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_any_disk_is_findings_or_none(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(packed(make.initrd()))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.sampled_from([0, 1, 47, 48, 57, 65, 255]))
    subject = make.subject(
        tmp_path, root_=make.root(), kernel_=make.kernel(MODULES), initrd={"boot/initrd": File(bytes(whole))}
    )
    for family in (CHECK, architecture.CHECK, drivers.CHECK):
        assert all(finding.message.isprintable() for finding in family.find(subject))
