"""The kernel of the built-in catalog `from-source`, compiled whole for the architecture that no test boots."""

from __future__ import annotations

from pathlib import Path

from bootworthy import catalog
from bootworthy.builders import layer
from bootworthy.builders.kernel_source import KERNEL_BUILDER
from bootworthy.builders.workshop import Workshop
from bootworthy.kernels.formats import Format, identify
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture, Role
from tests import compiled_kernels

ARM = Architecture.AARCH64


def test_the_whole_kernel_for_aarch64(tmp_path: Path) -> None:
    compiled_kernels.need_compilers(ARM)
    kernel = catalog.load("builtin:from-source", tmp_path).kernels["bootworthy-6.1"]
    shop = Workshop(Store(tmp_path / "store"), tmp_path / "cache")
    built = KERNEL_BUILDER.build(shop, kernel, ARM).obtain(shop)
    tree = layer.tree_of(shop, shop.store.image(built.images[Role.KERNEL], ARM))
    node = tree.find(b"boot/vmlinux")
    assert node
    found = identify(tree.read(node))
    assert (found.format, found.architecture) == (Format.IMAGE, ARM)
    assert str(found.release).endswith("-bootworthy")
