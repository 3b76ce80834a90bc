"""The configuration inside a kernel, and kernels that are compressed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bootworthy.kernels.compression import Compression
from tests import check_trees as make
from tests import made_kernels as made

INSIDE = b"IKCFG_ST" + gzip.compress(b"CONFIG_EXT4_FS=y\n", mtime=0) + b"IKCFG_ED"
VMLINUX = made.elf(made.BANNER + INSIDE)
IMAGE = made.image(made.BANNER + INSIDE)
QUICK = (Compression.GZIP, Compression.LZ4, Compression.ZSTD)


def config(folder: Path, data: bytes) -> bool:
    kernel = make.subject(folder, kernel_=make.kernel(None, data=data)).kernel_file
    assert kernel is not None
    assert kernel.fault is None
    return kernel.config is not None and kernel.config.builtin("EXT4_FS")


@pytest.mark.parametrize(
    "data",
    [
        VMLINUX, IMAGE, *(made.bzimage(made.packed(each, VMLINUX)) for each in QUICK), gzip.compress(IMAGE, mtime=0),
        made.zboot(gzip.compress(IMAGE, mtime=0), "gzip"),
    ],
)  # fmt: skip
def test_it_is_found_where_that_is_quick(tmp_path: Path, data: bytes) -> None:
    assert config(tmp_path, data)


def test_what_is_slow_to_unpack_is_left(tmp_path: Path) -> None:
    assert not config(tmp_path, made.bzimage(made.packed(Compression.XZ, VMLINUX)))


def test_what_lies_beside_comes_first(tmp_path: Path) -> None:
    files = make.kernel("CONFIG_EXT4_FS=m\n", release="6.1.0-56-made", data=VMLINUX)
    kernel = make.subject(tmp_path, kernel_=files).kernel_file
    assert kernel is not None
    assert kernel.config is not None
    assert kernel.config.module("EXT4_FS")


@pytest.mark.parametrize("compression", QUICK)
def test_a_kernel_that_is_damaged_inside_is_unreadable(tmp_path: Path, compression: Compression) -> None:
    payload = bytearray(made.packed(compression, VMLINUX))
    payload[len(payload) // 2 : len(payload) // 2 + 8] = b"\xff" * 8
    kernel = make.subject(tmp_path, kernel_=make.kernel(None, data=made.bzimage(bytes(payload[:-5])))).kernel_file
    assert kernel is not None
    assert kernel.fault is not None
    assert kernel.fault.code == "kernel.unreadable"


def test_an_image_is_no_larger_than_it_says(tmp_path: Path) -> None:
    more = gzip.compress(IMAGE + bytes(100), mtime=0)
    kernel = make.subject(tmp_path, kernel_=make.kernel(data=more)).kernel_file
    assert kernel is not None
    assert kernel.fault is not None
    assert f"more than the {len(IMAGE)} bytes" in kernel.fault.message
