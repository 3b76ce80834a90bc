from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.kernels.compression import Compression
from bootworthy.kernels.formats import Format, identify
from bootworthy.machines.facts import KernelFormat
from bootworthy.vocabulary import Architecture
from tests import made_kernels as made

GZIP = made.COMPRESSORS[Compression.GZIP]
SAMPLES = {
    "elf": made.elf(),
    "pvh": made.elf(notes=[(b"GNU", 3, b"id"), made.PVH_NOTE]),
    "bzimage": made.bzimage(made.packed(Compression.XZ, made.elf())),
    "image": made.image(),
    "image-compressed": GZIP(made.image()),
    "zboot": made.zboot(GZIP(made.image()), "gzip"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_formats_are_told_apart(name: str) -> None:
    info = identify(SAMPLES[name])
    x86 = name in {"elf", "pvh", "bzimage"}
    assert info.format == Format(name)
    assert info.architecture is (Architecture.X86_64 if x86 else Architecture.AARCH64)
    assert info.release == "6.1.0-56-made"
    assert info.banner is not None
    assert info.banner.startswith("6.1.0-56-made (who@where)")
    packed = {"bzimage": Compression.XZ, "image-compressed": Compression.GZIP, "zboot": Compression.GZIP}
    assert info.compression is packed.get(name)


def test_every_form_a_vmm_takes_has_its_name() -> None:
    assert {each.boots_as for each in Format} == {*KernelFormat, None}
    assert Format.ZBOOT.boots_as is None


@pytest.mark.parametrize("note", [(b"Xen", 17, b"1234"), (b"GNU", 18, b"1234")])
def test_only_the_entry_note_of_xen_makes_pvh(note: tuple[bytes, int, bytes]) -> None:
    assert identify(made.elf(notes=[note])).format is Format.ELF


def test_a_kernel_may_not_say_its_release() -> None:
    assert identify(made.elf(b"Linux version %s (%s)")).release is None
    assert identify(made.bzimage(made.packed(Compression.GZIP, made.elf()), banner="")).release is None


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (b"", "kernel.unreadable", "nothing"),
        (b"#!/bin/sh\n", "kernel.unreadable", "23 21 2f"),
        (made.elf(machine=made.RISCV), "kernel.architecture", "machine 243"),
        (b"\x7fELF\x01\x01" + bytes(100), "kernel.architecture", "32-bit"),
        (b"\x7fELF", "kernel.unreadable", "no ELF"),
        (made.elf()[:70], "kernel.unreadable", "cut off"),
        (made.bzimage(b"", flags=0), "kernel.architecture", "32-bit x86"),
        (made.bzimage(b"12345", protocol=0x209), "kernel.unreadable", r"2\.09"),
        (made.bzimage(b"12345" * 100)[:0xA00], "kernel.unreadable", "cut off"),
        (made.image(flags=1), "kernel.architecture", "big-endian"),
        (GZIP(b"text"), "kernel.unreadable", "no aarch64 kernel Image"),
        (made.zboot(GZIP(made.image()), "zstd22"), "kernel.unreadable", "zstd22"),
        (made.zboot(GZIP(made.image()), "gzip", machine=0x5064), "kernel.architecture", "0x5064"),
    ],
)
def test_what_cannot_boot_is_refused_with_a_reason(data: bytes, code: str, words: str) -> None:
    with pytest.raises(BuildError, match=words) as error:
        identify(data, where="vmlinuz")
    assert error.value.code == code
    assert error.value.where == "vmlinuz"
    assert error.value.hint


@given(st.sampled_from(sorted(SAMPLES)), st.data())
@settings(max_examples=200)
def test_damage_is_a_refusal_or_still_a_kernel(name: str, data: st.DataObject) -> None:
    sample = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(0, 6))):
        sample[data.draw(st.integers(4, len(sample) - 1))] = data.draw(st.integers(0, 255))
    try:
        identify(bytes(sample[: data.draw(st.integers(0, len(sample)))]))
    except BuildError as error:
        assert error.code in {"kernel.unreadable", "kernel.architecture", "kernel.lzo"}  # noqa: PT017
