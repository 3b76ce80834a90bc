from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.kernels import sight
from bootworthy.kernels.compression import Compression
from bootworthy.vocabulary import Architecture
from tests import made_kernels as made

TEXT = b"""\
#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.192 Kernel Configuration
#
CONFIG_EXT4_FS=y
# CONFIG_OVERLAY_FS is not set
"""
RELEASE = "6.1.0-56-made"
CARRIED = made.BANNER + b"IKCFG_ST" + gzip.compress(TEXT, mtime=0) + b"IKCFG_ED"


def nothing_beside(release: str | None) -> Iterator[tuple[str, bytes | None]]:
    yield f"config-{release}", None
    yield ".config", None


@pytest.mark.parametrize("compression", [Compression.GZIP, Compression.XZ, Compression.ZSTD, Compression.LZ4])
def test_the_configuration_inside_a_compressed_kernel(compression: Compression) -> None:
    seen = sight.of_kernel(made.bzimage(made.packed(compression, made.elf(CARRIED))), "vmlinuz", nothing_beside)
    assert dict(seen.config or {}) == {"EXT4_FS": "y", "OVERLAY_FS": "n"}
    assert (seen.config_where, seen.release, seen.architecture) == ("vmlinuz (CONFIG_IKCONFIG)", RELEASE, "x86_64")


def test_the_configuration_inside_comes_first() -> None:
    seen = sight.of_kernel(made.elf(CARRIED), "vmlinux", lambda _: [(".config", b"CONFIG_OTHER=y\n")])
    assert seen.config is not None
    assert "OTHER" not in seen.config


def test_the_first_configuration_beside_it() -> None:
    places = [("a", None), ("b", gzip.compress(b"CONFIG_B=y\n")), ("c", b"CONFIG_C=y\n")]
    asked: list[str | None] = []

    def beside(release: str | None) -> Iterator[tuple[str, bytes | None]]:
        asked.append(release)
        yield from places

    seen = sight.of_kernel(made.elf(), "vmlinux", beside)
    assert (dict(seen.config or {}), seen.config_where, asked) == ({"B": "y"}, "b", [RELEASE])


def test_where_it_looked_in_vain() -> None:
    seen = sight.of_kernel(made.elf(), "vmlinux", nothing_beside)
    assert seen.config is None
    assert seen.looked == ("vmlinux (CONFIG_IKCONFIG)", f"config-{RELEASE}", ".config")


def test_a_kernel_that_cannot_be_unpacked_may_have_its_configuration_beside_it() -> None:
    kernel = made.bzimage(b"\x89LZO\0\r\n\x1a\n" + bytes(64))
    seen = sight.of_kernel(kernel, "vmlinuz", lambda _: [("config", b"CONFIG_A=y\n")])
    assert dict(seen.config or {}) == {"A": "y"}
    seen = sight.of_kernel(kernel, "vmlinuz", nothing_beside)
    assert seen.looked[0] == "vmlinuz, which is compressed with LZO, which we do not read"


def test_garbage_beside_a_kernel_is_located() -> None:
    with pytest.raises(BuildError, match="hello") as error:
        sight.of_kernel(made.elf(), "vmlinux", lambda _: [("config-6.1", b"CONFIG_A=y\nhello\n")])
    assert (error.value.code, error.value.where) == ("kernel.config", "config-6.1:2")


@pytest.mark.parametrize("data", [TEXT, gzip.compress(TEXT, mtime=0), b"# CONFIG_A is not set\n", b"CONFIG_A=m"])
def test_a_configuration_alone_is_told_from_a_kernel(data: bytes) -> None:
    assert sight.configuration(data) is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello\n",
        made.elf(CARRIED),
        made.bzimage(b"x" * 64),
        gzip.compress(made.elf(CARRIED), mtime=0),
        gzip.compress(TEXT, mtime=0)[:40],
    ],
)
def test_what_is_no_configuration(data: bytes) -> None:
    assert sight.configuration(data) is None


@pytest.mark.parametrize(
    ("title", "architecture", "release"),
    [
        (b"# Linux/x86 6.1.192 Kernel Configuration", Architecture.X86_64, "6.1.192"),
        (b"# Linux/x86_64 6.12.0-rc1 Kernel Configuration", Architecture.X86_64, "6.12.0-rc1"),
        (b"# Linux/arm64 5.10.0 Kernel Configuration", Architecture.AARCH64, "5.10.0"),
        (b"# Linux/mips 5.10.0 Kernel Configuration", None, "5.10.0"),
        (b"# written by hand", None, None),
    ],
)
def test_what_a_configuration_says_of_its_kernel(
    title: bytes, architecture: Architecture | None, release: str | None
) -> None:
    seen = sight.of_configuration(title + b"\nCONFIG_A=y\n", ".config")
    assert (seen.architecture, seen.release, seen.info) == (architecture, release, None)


@given(st.binary(max_size=300) | st.binary(max_size=100).map(gzip.compress))
def test_garbage_is_no_kernel(data: bytes) -> None:
    with pytest.raises(BuildError) as error:
        sight.of_kernel(data, "file", nothing_beside)
    assert error.value.where == "file"
