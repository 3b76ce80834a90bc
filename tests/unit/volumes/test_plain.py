"""Plain files where an image is named: ext4 volumes, kernels, initial RAM disks."""

from __future__ import annotations

import gzip
import hashlib
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import BootworthyError, NotFoundError, UsageError
from bootworthy.filesystems.ext4.options import Options
from bootworthy.filesystems.ext4.plan import plan
from bootworthy.filesystems.ext4.write import write
from bootworthy.host.leases import Lease, of_cache
from bootworthy.kernels.compression import Compression
from bootworthy.layers.node import Tree
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from bootworthy.volumes import plain
from bootworthy.volumes.plain import PlainImage
from bootworthy.volumes.unpack import unpack
from tests import check_trees as make
from tests import made_kernels, trees
from tests.same_trees import same

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def ext4(tree: Tree, path: Path) -> Path:
    with path.open("wb") as file:
        write(tree, plan(tree, Options(uuid=VOLUME, free=0)), file)
    return path


def paths(image: PlainImage) -> dict[bytes, bytes]:
    """Names in `/boot`, with what they hold."""
    boot = image.tree.root.children[b"boot"]
    return {name: image.tree.read(node) for name, node in boot.children.items()}


def test_the_file_of_a_volume_is_the_tree_in_it(tmp_path: Path) -> None:
    body = trees.Body()
    again = body.file(b"content" * 999)
    tree = body.tree(trees.directory({b"one": again, b"two": again}), tmp_path / "body")
    image = plain.open_file(ext4(tree, tmp_path / "root.ext4"))
    same(tree, image.tree)
    assert image.tree.bodies == (tmp_path / "root.ext4",)
    assert (image.name, image.layers) == (str(tmp_path / "root.ext4"), ())
    assert not image.config.platform.known


def test_its_digest_is_that_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_bytes(make.vmlinux())
    one = plain.open_file(tmp_path / "vmlinux")
    assert plain.open_file(tmp_path / "vmlinux").descriptor == one.descriptor
    (tmp_path / "vmlinux").write_bytes(make.vmlinux(tail=b"x"))
    assert plain.open_file(tmp_path / "vmlinux").descriptor.digest != one.descriptor.digest


def test_holes_cost_nothing(tmp_path: Path) -> None:
    """A volume in a file of a terabyte; its zeros would be hashed for a quarter of an hour."""
    path = ext4(Tree(trees.directory()), tmp_path / "root.ext4")
    small = plain.open_file(path).descriptor
    with path.open("r+b") as file:
        file.truncate(1 << 40)
    assert plain.open_file(path).descriptor.digest != small.digest
    (tmp_path / "whole").write_bytes(make.vmlinux())
    digest = hashlib.sha256(make.vmlinux()).hexdigest()
    assert plain.open_file(tmp_path / "whole").descriptor.digest == f"sha256:{digest}"


@pytest.mark.parametrize(
    "data", [make.vmlinux(), make.bzimage(), make.image(), gzip.compress(make.image(), mtime=0), b"", b"x"]
)
def test_what_may_be_a_kernel_stands_where_kernels_do(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "some file").write_bytes(data)
    assert paths(plain.open_file(tmp_path / "some file")) == {b"vmlinux": data}


@pytest.mark.parametrize("compression", [None, *made_kernels.COMPRESSORS])
def test_an_initial_ram_disk_stands_where_they_do(tmp_path: Path, compression: Compression | None) -> None:
    data = make.initrd()["boot/initrd"]
    assert isinstance(data, make.File)
    content = made_kernels.COMPRESSORS[compression](data.content) if compression else data.content
    (tmp_path / "initrd").write_bytes(content)
    assert paths(plain.open_file(tmp_path / "initrd")) == {b"initrd": content}


@pytest.mark.parametrize("name", ["vmlinux.config", f"config-{make.RELEASE}", ".config"])
def test_the_configuration_lies_beside_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "vmlinux").write_bytes(make.vmlinux())
    (tmp_path / "config-6.2").write_text("CONFIG_OTHER=y\n")
    (tmp_path / name).write_text(make.CONFIG)
    found = paths(plain.open_file(tmp_path / "vmlinux"))
    assert found.pop(b"config-" + make.RELEASE.encode()) == make.CONFIG.encode()
    assert list(found) == [b"vmlinux"]


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"hsqs", "squashfs"), (b"QFI\xfb", "qcow2"), (bytes(512) + b"EFI PART", "GPT"), (bytes(257) + b"ustar", "tar")],
)
def test_what_is_not_read_is_named(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "file").write_bytes(content.ljust(4096, b"\0"))
    with pytest.raises(UsageError) as error:
        plain.open_file(tmp_path / "file")
    assert error.value.code == "plain.unsupported"
    assert what in error.value.message


def test_a_folder_and_nothing_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as folder:
        plain.open_file(tmp_path)
    assert folder.value.hint == f"name what is in it, or a layout: oci:{tmp_path}"
    with pytest.raises(NotFoundError) as nothing:
        plain.open_file(tmp_path / "none")
    assert nothing.value.code == "plain.no-file"


def test_a_file_that_is_there_is_meant_and_else_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "store")
    with pytest.raises(NotFoundError) as error:
        plain.open_source("vmlinux", store)
    assert error.value.code == "store.no-image"
    (tmp_path / "vmlinux").write_bytes(make.vmlinux())
    image = plain.open_source("vmlinux", store, architecture=Architecture.AARCH64)
    assert isinstance(image, PlainImage)
    assert image.config.platform.matches(Architecture.AARCH64)
    for text in ("./none", "../none", str(tmp_path / "none")):
        with pytest.raises(NotFoundError) as missing:
            plain.open_source(text, store)
        assert missing.value.code == "plain.no-file"


def test_a_volume_is_taken_in_for_one_that_is_written(tmp_path: Path) -> None:
    """What lies on blocks of 1 KiB is then on those of bodies; a second time it is there."""
    body = trees.Body()
    tree = body.tree(trees.directory({b"f": body.file(b"content" * 999)}), tmp_path / "body")
    image = plain.open_file(ext4(tree, tmp_path / "root.ext4"))
    lease = Lease(of_cache(tmp_path / "cache"))
    for _ in range(2):
        found = plain.on_blocks(image, image.tree, tmp_path / "cache" / "layers", lease)
        same(tree, found)
        assert found.bodies[0].parent == tmp_path / "cache" / "layers"
    assert len(list((tmp_path / "cache" / "layers").glob("*.body"))) == 1


def test_its_files_are_unpacked(tmp_path: Path) -> None:
    body = trees.Body()
    tree = body.tree(trees.directory({b"f": body.file(b"content" * 999)}), tmp_path / "body")
    image = plain.open_file(ext4(tree, tmp_path / "root.ext4"))
    unpack(plain.tree_of(image, tmp_path / "cache"), tmp_path / "out", plain=True)
    assert (tmp_path / "out" / "f").read_bytes() == b"content" * 999


@given(content=st.binary(max_size=200), at=st.sampled_from([0, 56, 0x202, 1024, 1080]))
@settings(max_examples=60, deadline=None)
def test_no_bytes_escape(tmp_path_factory: pytest.TempPathFactory, content: bytes, at: int) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(b"\x53\xef".join([bytes(at), content]))
    try:
        assert paths(plain.open_file(path)).keys() <= {b"vmlinux", b"initrd"}
    except BootworthyError as error:
        assert error.code in {"ext4.unreadable", "plain.unsupported"}  # noqa: PT017  (it need not be raised)
