from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import pytest

from bootworthy.checks.init import CHECK
from bootworthy.checks.part import Part
from bootworthy.layers.node import Kind, Node
from bootworthy.vocabulary import Architecture, Finding, Severity
from tests import check_trees as make
from tests.check_trees import Entry, File, Link

SYSTEMD = "usr/lib/systemd/systemd"


def found(folder: Path, root: Mapping[str, Entry], init: str = "/sbin/init") -> list[Finding]:
    subject = make.subject(folder, root_=root)
    object.__setattr__(subject, "init", init)
    return list(CHECK.find(subject))


def ids(findings: list[Finding]) -> list[str]:
    return [finding.id for finding in findings]


def test_a_debian_is_silent(tmp_path: Path) -> None:
    assert found(tmp_path, make.root()) == []


def test_no_root_is_silent(tmp_path: Path) -> None:
    assert list(CHECK.find(make.subject(tmp_path))) == []


def test_a_container_image_has_no_init(tmp_path: Path) -> None:
    root = {name: entry for name, entry in make.root().items() if "systemd" not in name and "init" not in name}
    (finding,) = found(tmp_path, root)
    assert (finding.id, finding.severity) == ("init.missing", Severity.ERROR)
    assert finding.where == "root@sha256:0: /sbin/init"
    assert finding.message == "/sbin/init is not in the image"
    assert "systemd-sysv" in finding.remedy


def test_systemd_without_a_link_to_it_is_said(tmp_path: Path) -> None:
    root = make.root()
    del root["usr/sbin/init"]
    (finding,) = found(tmp_path, root)
    assert "systemd is in the image: link /sbin/init to /usr/lib/systemd/systemd" in finding.remedy


@pytest.mark.parametrize(
    ("link", "message"),
    [
        (b"/lib/upstart/init", "/sbin/init is a link to /lib/upstart/init, which is not in the image"),
        (b"init", "/sbin/init is a loop of links"),
    ],
)
def test_a_link_that_leads_nowhere_is_said_with_its_target(tmp_path: Path, link: bytes, message: str) -> None:
    (finding,) = found(tmp_path, make.root() | {"usr/sbin/init": Link(link)})
    assert (finding.id, finding.message) == ("init.missing", message)


@pytest.mark.parametrize("path", ["", "/", "relative", "/usr/bin/sh/below-a-file", "/\udcff"])
def test_any_init_may_be_asked_for(tmp_path: Path, path: str) -> None:
    assert [finding.severity for finding in found(tmp_path, make.root(), path)] == [Severity.ERROR]


def test_init_of_the_command_line_is_the_one_looked_at(tmp_path: Path) -> None:
    root = make.root() | {"opt/start": File(b"#! /bin/sh -e\n", 0o700)}
    (finding,) = found(tmp_path, root, "/opt/start")
    assert (finding.id, finding.message) == ("init.not-systemd", "/opt/start is a script")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (File(make.program(), 0o644), "may not be executed: its mode is 0644"),
        (None, "is a directory, and no program"),
        (Node(Kind.CHARACTER, 0o777), "is a character device, and no program"),
        (b"", "is empty"),
        (b"text", "is neither an ELF program nor a script"),
        (b"\x7fELF", "is neither an ELF program nor a script"),
        (b"#!\n/bin/sh\n", "is a script that does not say what runs it"),
        (make.FAR, "its ELF tables are cut off"),
        (make.program()[:70], "its ELF tables are cut off"),
    ],
)
def test_what_cannot_be_executed_is_said(tmp_path: Path, entry: Entry, message: str) -> None:
    findings = found(tmp_path, make.root() | {SYSTEMD: entry})
    assert findings[0].id == "init.not-executable"
    assert message in findings[0].message


def test_another_architecture_is_an_error(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, make.root() | {SYSTEMD: make.program(183)})
    assert (finding.id, finding.severity) == ("init.architecture", Severity.ERROR)
    assert finding.message == "/sbin/../lib/systemd/systemd is built for aarch64, and the machine is x86_64"


def test_what_a_kernel_may_run_beside_its_own_is_a_warning(tmp_path: Path) -> None:
    program = bytearray(make.program())
    program[4] = 1
    struct.pack_into("<H", program, 18, 3)
    (finding,) = found(tmp_path, make.root() | {SYSTEMD: bytes(program)})
    assert (finding.id, finding.severity) == ("init.architecture", Severity.WARNING)
    assert "CONFIG_IA32_EMULATION" in finding.message


def test_big_endian_programs_are_named(tmp_path: Path) -> None:
    program = bytearray(make.program())
    program[5] = 2
    struct.pack_into(">H", program, 18, 22)
    (finding,) = found(tmp_path, make.root() | {SYSTEMD: bytes(program)})
    assert "is built for s390x" in finding.message


def test_the_machine_decides_the_architecture(tmp_path: Path) -> None:
    root = make.root() | {SYSTEMD: make.program(183)}
    subject = make.subject(tmp_path, root_=root, vmm="firecracker", architecture=Architecture.AARCH64)
    assert list(CHECK.find(subject)) == []


@pytest.mark.parametrize("linker", [b"/lib64/ld-musl-x86_64.so.1", b"/lib64", b"", b"/lib64/\x1b[1m"])
def test_the_dynamic_linker_must_be_there(tmp_path: Path, linker: bytes) -> None:
    (finding,) = found(tmp_path, make.root() | {SYSTEMD: make.program(linker=linker)})
    assert finding.id == "init.interpreter-missing"
    assert "asks for the dynamic linker" in finding.message
    assert finding.message.isprintable()


def test_a_static_program_needs_no_linker(tmp_path: Path) -> None:
    root = make.root() | {SYSTEMD: make.elf(segments=[(1, b"code")])}
    del root["usr/lib64/ld-linux-x86-64.so.2"]
    assert found(tmp_path, root) == []


def test_a_program_whose_sections_lie_far_behind_is_read_by_its_head(tmp_path: Path) -> None:
    program = make.elf(segments=[(3, make.LINKER + b"\0"), (1, bytes(100_000))], sections={b".text": b"x"})
    assert found(tmp_path, make.root() | {SYSTEMD: program}) == []


def test_what_runs_a_script_must_be_there(tmp_path: Path) -> None:
    root = make.root() | {"usr/sbin/init": b"#!/bin/bash -e\n"}
    finding = found(tmp_path, root)[0]
    assert finding.id == "init.interpreter-missing"
    assert finding.message == "/sbin/init is a script for /bin/bash: /bin/bash is not in the image"


def test_scripts_are_followed_to_the_program_and_its_linker(tmp_path: Path) -> None:
    root = make.root() | {"usr/sbin/init": b"#!/bin/run\n", "usr/bin/run": b"#!/bin/sh\n"}
    assert ids(found(tmp_path, root)) == ["init.not-systemd"]
    root["usr/bin/sh"] = make.program(linker=b"/lib/ld.so")
    assert ids(found(tmp_path, root)) == ["init.interpreter-missing", "init.not-systemd"]


def test_a_script_that_runs_itself_ends(tmp_path: Path) -> None:
    assert ids(found(tmp_path, make.root() | {"usr/sbin/init": b"#!/sbin/init\n"}))[0] == "init.not-executable"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"usr/sbin/init": Link(b"/bin/busybox"), "usr/bin/busybox": make.program()}, "/sbin/init is BusyBox init"),
        ({"usr/sbin/init": Link(b"openrc-init"), "usr/sbin/openrc-init": make.program()}, "/sbin/init is OpenRC"),
        ({"usr/sbin/init": Link(b"/bin/sh")}, "/sbin/init is a shell"),
        ({"usr/sbin/init": make.program()}, "/sbin/init is an init of its own"),
        ({"usr/sbin/init": make.program(), "etc/inittab": b""}, "System V init"),
    ],
)
def test_another_init_is_named(tmp_path: Path, entries: dict[str, Entry], message: str) -> None:
    (finding,) = found(tmp_path, make.root() | entries)
    assert (finding.id, finding.severity) == ("init.not-systemd", Severity.WARNING)
    assert message in finding.message


def test_a_hard_link_to_systemd_is_systemd(tmp_path: Path) -> None:
    root = make.root()
    made = make.tree(tmp_path, root)
    sbin, systemd = made.find(b"usr/sbin"), made.find(b"usr/lib/systemd/systemd")
    assert sbin is not None
    assert systemd is not None
    sbin.children[b"init"] = systemd
    subject = make.subject(tmp_path)
    object.__setattr__(subject, "root", Part("root@sha256:0", made))
    assert list(CHECK.find(subject)) == []
