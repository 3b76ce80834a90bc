from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.kernels.compression import Compression
from bootworthy.kernels.modules import ModuleInfo, ModuleTree, module_name
from bootworthy.kernels.signature import MARK, Kind, Signature
from tests import made_kernels as made

VIRTIO: dict[str, bytes] = {
    "modules.dep": (
        b"kernel/virtio/virtio_ring.ko.xz:\n"
        b"kernel/virtio/virtio.ko.xz: kernel/virtio/virtio_ring.ko.xz\n"
        b"kernel/virtio/virtio_mmio.ko.xz: kernel/virtio/virtio.ko.xz kernel/virtio/virtio_ring.ko.xz\n"
        b"kernel/block/virtio_blk.ko.xz: kernel/virtio/virtio.ko.xz kernel/virtio/virtio_ring.ko.xz\n"
        b"kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz\n"
        b"kernel/fs/jbd2/jbd2.ko.xz:\n"
        b"kernel/arch/x86/crypto/crc32c-intel.ko.xz:\n"
        b"kernel/fs/fat/vfat.ko.xz:\n"
    ),
    "modules.builtin": b"kernel/fs/squashfs/squashfs.ko\nkernel/crypto/crypto-null.ko\n",
    "modules.builtin.modinfo": b"null.file=x\0nls_utf8.alias=nls-fancy\0nls_utf8.file=fs/nls/nls_utf8\0",
    "modules.softdep": (
        b"# Soft\nsoftdep jbd2 pre: crc32c nothing-has-this nls-fancy post: vfat\nsoftdep vfat post: ext4\n"
    ),
    "modules.alias": b"# Aliases\nalias fs-ext4 ext4\nalias crc32c crc32c_intel\nalias virtio:d00000002v* virtio_blk\n",
}


def names(paths: tuple[str, ...]) -> list[str]:
    return [module_name(path) for path in paths]


def test_dependencies_come_first() -> None:
    tree = ModuleTree(VIRTIO.get)
    assert names(tree.closure(["virtio_mmio", "virtio_blk"])) == ["virtio_ring", "virtio", "virtio_mmio", "virtio_blk"]
    assert tree.closure(["virtio-blk"]) == tree.closure(["virtio_blk", "virtio", "virtio_ring"])


def test_what_is_built_in_gives_nothing() -> None:
    tree = ModuleTree(VIRTIO.get)
    assert tree.closure(["squashfs", "crypto_null", "crypto-null", "nls_utf8", "nls-fancy"]) == ()


def test_soft_dependencies_come_before_who_wants_them() -> None:
    tree = ModuleTree(VIRTIO.get)
    assert names(tree.closure(["ext4"])) == ["crc32c_intel", "jbd2", "ext4"]
    assert names(tree.closure(["ext4"], soft=False)) == ["jbd2", "ext4"]
    assert tree.closure(["fs-ext4"]) == tree.closure(["ext4"])


def test_two_that_want_each_other_end() -> None:
    files = {"modules.dep": b"a.ko:\nb.ko:\n", "modules.softdep": b"softdep a pre: b\nsoftdep b pre: a\n"}
    assert sorted(ModuleTree(files.get).closure(["a", "b"])) == ["a.ko", "b.ko"]


def test_a_missing_module_is_named() -> None:
    with pytest.raises(BuildError, match="'virtio_blok'") as error:
        ModuleTree(VIRTIO.get).closure(["virtio_ring", "virtio_blok"])
    assert error.value.code == "kernel.module-missing"
    assert error.value.hint == "did you mean virtio_blk?"


def test_lists_that_are_not_there() -> None:
    with pytest.raises(BuildError) as error:
        ModuleTree(lambda path: None)
    assert error.value.code == "kernel.no-modules-dep"
    assert "depmod" in (error.value.hint or "")
    with pytest.raises(BuildError) as error:
        ModuleTree({"modules.dep": b"a.ko:\nnonsense\n"}.get)
    assert (error.value.code, error.value.where) == ("kernel.unreadable", "modules.dep:2")


@given(st.lists(st.integers(0, 2**12), min_size=1, max_size=12), st.data())
@settings(max_examples=100)
def test_any_order_that_depmod_can_write_loads(graph: list[int], data: st.DataObject) -> None:
    needs = [[other for other in range(index) if bits >> other & 1] for index, bits in enumerate(graph)]

    def before(index: int, order: list[int]) -> None:
        for other in needs[index]:
            if other not in order:
                before(other, order)
        order.append(index)

    lines = []
    for index in range(len(needs)):
        order: list[int] = []
        before(index, order)
        deps = " ".join(f"m{other}.ko" for other in reversed(order[:-1]))
        lines.append(f"m{index}.ko: {deps}".rstrip())
    wanted = data.draw(st.lists(st.sampled_from(range(len(needs)))))
    files = {"modules.dep": "\n".join(lines).encode()}
    closure = ModuleTree(files.get).closure([f"m{index}" for index in wanted])
    assert {f"m{index}.ko" for index in wanted} <= set(closure)
    assert len(set(closure)) == len(closure)
    for at, path in enumerate(closure):
        assert {f"m{other}.ko" for other in needs[int(path[1:-3])]} <= set(closure[:at])


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".zst"])
def test_modules_are_given_decompressed(suffix: str, tmp_path: Path) -> None:
    module = made.module("virtio_blk")
    pack = {".gz": Compression.GZIP, ".xz": Compression.XZ, ".zst": Compression.ZSTD}
    path = f"kernel/virtio-blk.ko{suffix}"
    (tmp_path / "kernel").mkdir()
    (tmp_path / path).write_bytes(made.COMPRESSORS[pack[suffix]](module) if suffix else module)
    (tmp_path / "modules.dep").write_text(f"{path}:\nkernel/gone.ko:\n")
    tree = ModuleTree.from_folder(tmp_path)
    assert list(tree) == ["kernel/gone.ko", path]
    assert "virtio_blk" in tree
    assert tree.content(path) == module
    assert tree.info(path).name == "virtio_blk"
    with pytest.raises(BuildError) as error:
        tree.content("kernel/gone.ko")
    assert (error.value.code, error.value.where) == ("kernel.module-missing", "kernel/gone.ko")


def test_what_a_module_says_of_itself() -> None:
    fields = ["alias=virtio:d2v*", "alias=blk", "softdep=pre: crc32c", "license=GPL"]
    data = made.module("virtio_blk", depends=["virtio", "virtio_ring"], fields=fields, signed=True)
    assert ModuleInfo.parse(data) == ModuleInfo(
        name="virtio_blk", vermagic="6.1.0-56-made SMP mod_unload ", depends=("virtio", "virtio_ring"),
        aliases=("virtio:d2v*", "blk"), softdeps=("pre: crc32c",), signature=Signature(Kind.PKCS7, 0, 0, 0, 0, 9),
        machine=made.X86_64,
    )  # fmt: skip
    plain = ModuleInfo.parse(made.module("a"))
    assert (plain.release, plain.depends, plain.signed) == ("6.1.0-56-made", (), False)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (b"", "cut off"),
        (struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, 1 << 31), "claims 2147483648 bytes"),
        (struct.pack(">BBBBB3xI", 0, 0, 3, 0, 0, 4), "none that a kernel knows"),
        (struct.pack(">BBBBB3xI", 0, 4, 2, 0, 0, 4), "none that a kernel knows"),
        (struct.pack(">BBBBB3sI", 0, 0, 2, 0, 0, b"\0\0\1", 4), "none that a kernel knows"),
    ],
)
def test_a_signature_that_no_kernel_takes_is_refused(record: bytes, said: str) -> None:
    with pytest.raises(BuildError) as error:
        Signature.of((b"module" if record else b"") + record + MARK, where="a.ko")
    assert (error.value.code, error.value.where) == ("kernel.unreadable", "a.ko")
    assert said in error.value.message


def test_other_signers_are_told() -> None:
    data = b"module name key sign" + struct.pack(">BBBBB3xI", 1, 4, 1, 4, 3, 4) + MARK
    assert Signature.of(data) == Signature(Kind.X509, 1, 4, 4, 3, 4)


@pytest.mark.parametrize("data", [b"", b"text", made.elf(), made.module("a")[:300]])
def test_what_is_no_module_is_refused(data: bytes) -> None:
    with pytest.raises(BuildError) as error:
        ModuleInfo.parse(data, where="a.ko")
    assert (error.value.code, error.value.where) == ("kernel.unreadable", "a.ko")


@given(st.data())
def test_a_damaged_module_is_refused_or_read(data: st.DataObject) -> None:
    module = bytearray(made.module("virtio_blk", depends=["virtio"]))
    for _ in range(data.draw(st.integers(1, 6))):
        module[data.draw(st.integers(0, len(module) - 1))] = data.draw(st.integers(0, 255))
    try:
        info = ModuleInfo.parse(bytes(module))
    except BuildError as error:
        assert error.code in {"kernel.unreadable", "kernel.architecture", "kernel.lzo"}  # noqa: PT017
    else:
        assert isinstance(info.name, str)
