"""Kernels, modules and lists that nobody would make: a finding of a rule, in bounded time and memory, and no more."""

from __future__ import annotations

import gzip
import itertools
import lzma
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.checks import rule, run
from bootworthy.checks.subject import Subject
from bootworthy.kernels.elf import Elf
from bootworthy.layers.node import Chunk, Kind, Node
from bootworthy.vocabulary import Finding
from tests import check_trees as make
from tests.check_trees import Entry, File, Link
from tests.kernel_seeds import KERNELS, MODULES

RULES = {each.id for family in rule.known().values() for each in family.rules}
SEEDS = [*KERNELS, *MODULES]
often = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
_numbers = st.integers(0, 1 << 16)
_changes = st.lists(st.tuples(_numbers, st.binary(min_size=1, max_size=8)), max_size=5)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """Random bytes, or something real that was changed, and perhaps cut."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=4096))
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for at, content in draw(_changes):
        place = at % len(data)
        data[place : place + len(content)] = content
    return bytes(data[: draw(st.integers(0, len(data))) if draw(st.booleans()) else len(data)])


def findings(subject: Subject) -> tuple[Finding, ...]:
    """What every rule says: each of these words can be shown, and each id is a rule's."""
    found = run.run(subject)
    assert {each.id for each in found} <= RULES
    assert all(each.message.isprintable() and each.where.isprintable() for each in found)
    return found


@often
@given(data=mangled(), vmm=st.sampled_from(["qemu-microvm", "firecracker", "cloud-hypervisor"]))
def test_any_kernel(tmp_path: Path, data: bytes, vmm: str) -> None:
    findings(make.subject(tmp_path, kernel_=make.kernel(data=data), modules_=make.modules(), vmm=vmm))


@often
@given(data=mangled(), suffix=st.sampled_from(["", ".gz", ".xz", ".zst"]))
def test_any_module(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = f"kernel/zram.ko{suffix}"
    modules: dict[str, Entry] = {path: File(data), "modules.dep": File(f"{path}:\n".encode())}
    found = findings(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    assert all(each.where.startswith(("modules", "kernel")) for each in found)


@often
@given(names=st.dictionaries(st.sampled_from(["dep", "builtin", "softdep", "alias", "builtin.modinfo"]), mangled()))
def test_any_list(tmp_path: Path, names: dict[str, bytes]) -> None:
    lists = {f"modules.{name}": File(data) for name, data in names.items()}
    findings(make.subject(tmp_path, kernel_=make.kernel(), modules_=make.modules() | lists))


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.9, 0.99])
def test_a_module_that_is_cut_is_unreadable(tmp_path: Path, part: float) -> None:
    whole = make.module("zram")
    modules = make.modules(["zram"]) | {"kernel/drivers/zram.ko": File(whole[: int(len(whole) * part)])}
    assert "modules.unreadable" in {
        each.id for each in findings(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
    }


def test_folders_and_links_that_never_end(tmp_path: Path) -> None:
    round_ = {"lib/modules": Link(b"/usr/lib/modules"), "usr/lib/modules": Link(b"../../lib/modules")}
    ids = {each.id for each in findings(make.subject(tmp_path, kernel_=make.kernel(), modules_={**round_}))}
    assert "modules.no-dep" in ids
    itself = make.modules() | {"kernel/drivers/zram.ko": Link(b"zram.ko"), "modules.softdep": Link(b"modules.softdep")}
    ids = {each.id for each in findings(make.subject(tmp_path, kernel_=make.kernel(), modules_=itself))}
    assert "modules.incomplete" in ids


def gigantic(**fields: int) -> bytes:
    """An ELF file whose tables claim what no file has, over all of what it is."""
    at = {"segments_at": (32, "Q"), "sections_at": (40, "Q"), "segment_size": (54, "H"), "segments": (56, "H"),
          "section_size": (58, "H"), "sections": (60, "H"), "names": (62, "H")}  # fmt: skip
    data = bytearray(make.vmlinux())
    for name, value in fields.items():
        struct.pack_into("<" + at[name][1], data, at[name][0], value)
    return bytes(data)


@pytest.mark.parametrize(
    "data",
    [
        gigantic(segments_at=2**64 - 1), gigantic(sections_at=2**64 - 1, sections=1), gigantic(segments=65535),
        gigantic(segments=65535, segment_size=0), gigantic(sections_at=64, sections=65535, section_size=0, names=65534),
        gigantic(sections_at=1, sections=3, names=65535), gigantic(segment_size=65535),
    ],
)  # fmt: skip
def test_gigantic_headers(tmp_path: Path, data: bytes) -> None:
    ids = {each.id for each in findings(make.subject(tmp_path, kernel_=make.kernel(data=data)))}
    assert ids & {"kernel.unreadable", "kernel.format", "drivers.unknown", "kernel.config-unreadable"} or not ids


def test_notes_and_names_without_end_cost_little() -> None:
    """Every one of 65535 segments is a note of all the file, and every section's name is all of it, too."""
    size, count = 8 << 20, 65535
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, 0, 64, 128, 0, 64, 0, count, 0, count, 0
    )
    note = struct.pack("<IIQQQQQQ", 4, 4, 192, 0, 0, size - 192, size - 192, 4)
    section = struct.pack("<IIQQQQIIQQ", 0, 1, 0, 0, 192, size - 192, 0, 0, 1, 0)
    names = bytes(11) + b"\1"
    elf = Elf.parse((header + note.ljust(64, b"\0") + section).ljust(192, b"\0") + names * ((size - 192) // 12))
    assert 1000 < sum(1 for _ in itertools.islice(elf.notes(), 1_000_000)) < 100_000
    assert len(elf.sections) == count
    assert all(len(each.name) < 256 for each in elf.sections)


def test_bombs_are_not_unpacked(tmp_path: Path) -> None:
    """A kernel and a module that unpack to more than they may: the first is no kernel, the second too large."""
    bomb = gzip.compress(bytes(64 << 20), mtime=0)
    tracemalloc.start()
    try:
        found = findings(make.subject(tmp_path, kernel_=make.kernel(data=bomb)))
        assert "kernel.unreadable" in {each.id for each in found}
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    much = lzma.compress(bytes(65 << 20), preset=0)
    modules = make.modules(["zram"]) | {"kernel/drivers/zram.ko": File(much)}
    (finding,) = (
        each for each in findings(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))
        if each.id == "modules.unreadable"
    )  # fmt: skip
    assert "more than the 67108864 bytes" in finding.message


def test_files_without_end_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(bytes(4096))
    endless = Node(Kind.FILE, 0o644, size=1 << 60, chunks=(Chunk(0, 4096, 0, 0),))
    for path in ("modules.dep", "modules.builtin", "kernel/drivers/zram.ko"):
        modules = make.modules() | {path: endless}
        ids = {each.id for each in findings(make.subject(tmp_path, kernel_=make.kernel(), modules_=modules))}
        assert ids & {"modules.unreadable", "modules.no-dep"}, path


@pytest.mark.parametrize("data", KERNELS[:4])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_kernel_that_is_cut_is_unreadable(tmp_path: Path, data: bytes, part: float) -> None:
    kernel = make.kernel(data=data[: int(len(data) * part)], config=None)
    ids = {each.id for each in findings(make.subject(tmp_path, kernel_=kernel))}
    assert "kernel.unreadable" in ids
