from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.checks import dynamic, libraries
from bootworthy.checks.init import CHECK
from bootworthy.checks.reading import trail
from bootworthy.kernels.elf import MACHINE_AARCH64, MACHINE_X86_64
from bootworthy.layers.node import Node
from bootworthy.vocabulary import Architecture
from tests import check_trees as make
from tests.check_trees import Entry, File, Link

SYSTEMD = "usr/lib/systemd/systemd"
LIBRARY = make.linked(linker=None)
MUSL = b"/lib/ld-musl-x86_64.so.1"


def absent(folder: Path, program: bytes, entries: dict[str, Entry]) -> list[bytes]:
    """The libraries that init would not find."""
    part = make.part(folder, "root", make.root() | {SYSTEMD: program} | entries)
    found = trail(part.tree, b"/usr/lib/systemd/systemd")
    assert found.node is not None
    asks = dynamic.read(part, found.node)
    return [each.name for each in libraries.missing(part, found, asks, MACHINE_X86_64)]


@pytest.mark.parametrize(
    ("path", "entries"),
    [
        ("usr/lib64/libx.so", {}),
        ("usr/lib/libx.so", {}),
        ("usr/lib/x86_64-linux-gnu/libx.so", {}),
        ("opt/lib/libx.so", {"etc/ld.so.conf": File(b"# ours\n/opt/lib\n")}),
        (
            "opt/lib/libx.so",
            {
                "etc/ld.so.conf": File(b"include ld.so.conf.d/*.conf\n"),
                "etc/ld.so.conf.d/x.conf": File(b"include /etc/ld.so.conf\n/opt/lib # here\n"),
            },
        ),
    ],
)
def test_glibc_looks_in_its_folders_and_in_those_of_ld_so_conf(
    tmp_path: Path, path: str, entries: dict[str, Entry]
) -> None:
    program = make.linked(b"libx.so")
    assert absent(tmp_path, program, entries) == [b"libx.so"]
    assert absent(tmp_path, program, entries | {path: LIBRARY}) == []


@pytest.mark.parametrize(
    ("folder", "lies"),
    [
        (b"/opt/a:/opt/b", "opt/b"), (b"$ORIGIN", "usr/lib/systemd"), (b"${ORIGIN}/../own", "usr/lib/own"),
        (b"/opt/$LIB", "opt/lib/x86_64-linux-gnu"), (b"/opt/${LIB}/$PLATFORM", "opt/lib64/x86_64"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("how", ["rpath", "runpath"])
def test_programs_name_folders_of_their_own(tmp_path: Path, folder: bytes, lies: str, how: str) -> None:
    program = make.linked(b"libx.so", rpath=folder) if how == "rpath" else make.linked(b"libx.so", runpath=folder)
    assert absent(tmp_path, program, {}) == [b"libx.so"]
    assert absent(tmp_path, program, {f"{lies}/libx.so": LIBRARY}) == []


def test_an_rpath_is_for_all_below_and_a_runpath_is_not(tmp_path: Path) -> None:
    entries: dict[str, Entry] = {"opt/libx.so": make.linked(b"liby.so", linker=None), "opt/liby.so": LIBRARY}
    assert absent(tmp_path, make.linked(b"libx.so", rpath=b"/opt"), entries) == []
    assert absent(tmp_path, make.linked(b"libx.so", runpath=b"/opt"), entries) == [b"liby.so"]
    assert absent(tmp_path, make.linked(b"libx.so", rpath=b"/opt", runpath=b"/none"), entries) == [b"libx.so"]


def test_libraries_of_libraries_are_followed_and_may_need_each_other(tmp_path: Path) -> None:
    entries: dict[str, Entry] = {
        "usr/lib/liba.so": Link(b"liba.so.1"),
        "usr/lib/liba.so.1": make.linked(b"libb.so", b"libc.so.6", linker=None),
        "usr/lib/libb.so": make.linked(b"liba.so", b"ld-linux-x86-64.so.2", linker=None),
        "usr/lib/libc.so.6": LIBRARY,
    }
    assert absent(tmp_path, make.linked(b"liba.so"), entries) == []
    del entries["usr/lib/libc.so.6"]
    assert absent(tmp_path, make.linked(b"liba.so"), entries) == [b"libc.so.6"]


def test_a_library_for_another_machine_is_none(tmp_path: Path) -> None:
    program = make.linked(b"libx.so")
    entries: dict[str, Entry] = {"usr/lib/libx.so": make.linked(linker=None, machine=MACHINE_AARCH64)}
    assert absent(tmp_path, program, entries) == [b"libx.so"]
    assert absent(tmp_path, program, entries | {"usr/lib/x86_64-linux-gnu/libx.so": LIBRARY}) == []
    (finding,) = CHECK.find(make.subject(tmp_path, root_=make.root() | {SYSTEMD: program} | entries))
    assert finding.id == "init.library-missing"
    assert finding.message == (
        "/sbin/../lib/systemd/systemd needs the library libx.so, which is not in the image, and /lib/libx.so is for "
        "another architecture"
    )


def test_musl_looks_where_its_path_file_says(tmp_path: Path) -> None:
    linker: dict[str, Entry] = {"usr/lib/ld-musl-x86_64.so.1": LIBRARY}
    program = make.linked(b"libx.so", b"libc.musl-x86_64.so.1", b"libpthread.so.0", linker=MUSL)
    assert absent(tmp_path, program, linker) == [b"libx.so"]
    assert absent(tmp_path, program, linker | {"usr/local/lib/libx.so": LIBRARY}) == []
    assert absent(tmp_path, program, linker | {"usr/lib64/libx.so": LIBRARY}) == [b"libx.so"]
    given = linker | {"etc/ld-musl-x86_64.path": File(b"/opt/a:/opt/b\n/opt/c\n"), "usr/local/lib/libx.so": LIBRARY}
    assert absent(tmp_path, program, given) == [b"libx.so"]
    assert absent(tmp_path, program, given | {"opt/c/libx.so": LIBRARY}) == []


def test_a_name_with_a_slash_is_a_path(tmp_path: Path) -> None:
    program = make.linked(b"/opt/libx.so", b"$ORIGIN/liby.so")
    assert absent(tmp_path, program, {"usr/lib/libx.so": LIBRARY}) == [b"/opt/libx.so", b"$ORIGIN/liby.so"]
    assert absent(tmp_path, program, {"opt/libx.so": LIBRARY, "usr/lib/systemd/liby.so": LIBRARY}) == []


def test_what_runs_a_script_needs_its_libraries(tmp_path: Path) -> None:
    root = make.root() | {"usr/sbin/init": b"#!/bin/sh\n", "usr/bin/sh": make.linked(b"libx.so", b"liby.so")}
    finding = next(iter(CHECK.find(make.subject(tmp_path, root_=root))))
    assert finding.id == "init.library-missing"
    assert finding.message.startswith("/bin/sh needs the library libx.so, which is not in the image; /bin/sh needs")


def test_many_are_counted(tmp_path: Path) -> None:
    program = make.linked(*(b"lib%d.so" % number for number in range(40)))
    (finding,) = CHECK.find(make.subject(tmp_path, root_=make.root() | {SYSTEMD: program}))
    assert finding.message.endswith("; and 37 more")


ODD = [
    make.linked(b"libx.so", end=False), make.linked(b"x" * 5000), make.linked(b"libx.so")[:-20],
    make.linked(*[b"libx.so"] * 5000), make.linked(b"libx.so").replace(b"libx.so\0", b"libx.sox"),
    make.linked(b"libx.so")[:56] + b"\xff\xff" + make.linked(b"libx.so")[58:],
    make.linked(b"libx.so")[:54] + b"\0\0" + make.linked(b"libx.so")[56:],
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_damaged_tables_are_findings(tmp_path: Path, odd: bytes) -> None:
    (finding,) = CHECK.find(make.subject(tmp_path, root_=make.root() | {SYSTEMD: odd}))
    assert finding.id in {"init.not-executable", "init.library-missing"}
    root = make.root() | {SYSTEMD: make.linked(b"liba.so"), "usr/lib/liba.so": odd}
    (finding,) = CHECK.find(make.subject(tmp_path, root_=root))
    assert finding.id == "init.library-missing"


@pytest.mark.parametrize("included", [b"include *\n" * 500, b"include ../*/*\n/\n/opt\n" * 100])
def test_settings_that_include_each_other_end(tmp_path: Path, included: bytes) -> None:
    files: dict[str, Entry] = {f"etc/ld.so.conf.d/{number}.conf": File(included) for number in range(100)}
    files["etc/ld.so.conf"] = File(b"include ld.so.conf.d/*.conf\n" + included)
    assert absent(tmp_path, make.linked(b"libx.so"), files) == [b"libx.so"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_any_program_is_a_finding_or_none(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(make.linked(b"libx.so", b"liby.so", runpath=b"$ORIGIN/../x:/opt"))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(16, len(whole) - 1))] = data.draw(st.sampled_from([0, 1, 2, 3, 127, 128, 255]))
    part = make.part(tmp_path, "root", make.root() | {SYSTEMD: bytes(whole), "opt/libx.so": bytes(whole)})
    subject = make.subject(tmp_path, architecture=Architecture.X86_64)
    object.__setattr__(subject, "root", part)
    assert all(finding.id.startswith("init.") for finding in CHECK.find(subject))


def test_only_the_parts_that_are_asked_about_are_read(tmp_path: Path) -> None:
    """A library of an exbibyte, nearly all of it a hole."""
    part = make.part(tmp_path, "root", {"x": make.linked(b"libx.so")})
    node = part.file(b"x")
    assert node is not None
    huge = Node(node.kind, node.mode, size=1 << 60, chunks=node.chunks)
    assert dynamic.read(part, huge).needed == (b"libx.so",)
