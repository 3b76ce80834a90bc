"""Kernels and modules to mangle: one of each form."""

from __future__ import annotations

import gzip
import lzma

from bootworthy.kernels.compression import Compression
from tests import check_trees as make
from tests import made_kernels

KERNELS = [
    make.vmlinux(), gzip.compress(make.image(), mtime=0),
    made_kernels.zboot(gzip.compress(made_kernels.image(), mtime=0), "gzip"),
    made_kernels.bzimage(made_kernels.packed(Compression.ZSTD, made_kernels.elf())),
    make.bzimage(), make.image(),
]  # fmt: skip
"""The last two say nothing of what they lack when they are cut."""
MODULES = [make.module("zram"), make.module("zram") + make.SIGNATURE, lzma.compress(make.module("zram"))]
