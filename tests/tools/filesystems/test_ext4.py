from __future__ import annotations

import hashlib
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.filesystems.ext4.options import Options, Profile
from bootworthy.filesystems.ext4.plan import Layout, plan
from bootworthy.filesystems.ext4.write import write
from bootworthy.layers.node import BLOCK, Chunk, Kind, Node, Tree
from tests import debugfs, trees
from tests.needs import need

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
KIB, MIB, GIB = 2**10, 2**20, 2**30
slow = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(autouse=True)
def _tools() -> None:
    need("e2fsck", "debugfs")


def make(tree: Tree, image: Path, options: Options) -> Layout:
    layout = plan(tree, options)
    with image.open("wb") as file:
        write(tree, layout, file)
    return layout


def as_debugfs_says(name: bytes, value: bytes) -> bytes:
    """The ids of entries that name nobody are not on disk: Linux says they are all ones, debugfs says zero."""
    return value.replace(b"\xff\xff\xff\xff", bytes(4)) if name.startswith(b"system.") else value


def compare(tree: Tree, found: dict[int, debugfs.Found], number: int = 2) -> None:
    """Every name, fact and byte of a tree is what was read back, and link groups are the same."""
    seen: dict[int, Node] = {}
    numbers: dict[Node, int] = {}
    names: dict[int, int] = {}
    stack = [(b"", tree.root, number)]
    while stack:
        path, node, here = stack.pop()
        read = found[here]
        assert seen.setdefault(here, node) is node, path
        assert numbers.setdefault(node, here) == here, path
        names[here] = names.get(here, 0) + 1
        assert read.mode == node.kind.value | node.mode, path
        assert (read.uid, read.gid, read.mtime) == (node.uid, node.gid, node.mtime), path
        assert read.device == node.device, path
        assert read.xattrs == {name: as_debugfs_says(name, value) for name, value in node.xattrs}, path
        if node.kind is Kind.FILE:
            assert read.size == node.size, path
            assert read.content == tree.read(node), path
        elif node.kind is Kind.SYMLINK:
            assert read.content == node.target, path
        elif node.kind is Kind.DIRECTORY:
            below = {name: child for name, child in read.names.items() if name not in {b".", b".."}}
            if not path:
                assert below.pop(b"lost+found") == 11
            assert below.keys() == node.children.keys(), path
            assert read.names[b"."] == here
            stack += [(path + b"/" + name, node.children[name], child) for name, child in below.items()]
    for here, count in names.items():
        if seen[here].kind is not Kind.DIRECTORY:
            assert found[here].links == count


@slow
@given(drawn=trees.roots(), profile=st.sampled_from(Profile))
def test_what_went_in_is_read_back(drawn: tuple[trees.Body, Node], profile: Profile) -> None:
    body, root = drawn
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = body.tree(root, folder / "body")
        layout = make(tree, folder / "image", Options(uuid=VOLUME, profile=profile, label="test", time=10**9))
        debugfs.check(folder / "image")
        compare(tree, debugfs.read(folder / "image", layout.inodes[-1].number, folder))
        digest = hashlib.sha256((folder / "image").read_bytes()).digest()
        make(tree, folder / "image", Options(uuid=VOLUME, profile=profile, label="test", time=10**9))
        assert hashlib.sha256((folder / "image").read_bytes()).digest() == digest


def test_access_control_lists_and_capabilities(tmp_path: Path) -> None:
    body = trees.Body()
    lists = ((b"system.posix_acl_access", trees.ACL), (b"system.posix_acl_default", trees.ACL))
    plain = body.file(b"x", 0o4755, xattrs=((b"security.capability", trees.CAPABILITY), lists[0]))
    root = trees.directory({b"ping": plain, b"shared": trees.directory(xattrs=lists)})
    tree = body.tree(root, tmp_path / "body")
    layout = make(tree, tmp_path / "image", Options(uuid=VOLUME))
    debugfs.check(tmp_path / "image")
    compare(tree, debugfs.read(tmp_path / "image", layout.inodes[-1].number, tmp_path))


@pytest.mark.parametrize(("count", "length"), [(300, 10), (20_000, 30), (9_000, 255)])
def test_large_directories_are_hashed(tmp_path: Path, count: int, length: int) -> None:
    names = [(b"%d-" % number).ljust(length, b"n")[:length] for number in range(count)]
    root = trees.directory({b"many": trees.directory({name: Node(Kind.FIFO, 0o600) for name in names})})
    tree = Tree(root)
    layout = make(tree, tmp_path / "image", Options(uuid=VOLUME))
    debugfs.check(tmp_path / "image")
    many = next(inode for inode in layout.inodes if inode.is_directory and inode.number > 11)
    dump = subprocess.run(
        ["/usr/sbin/debugfs", "-R", f"htree_dump <{many.number}>", tmp_path / "image"], capture_output=True, check=True
    ).stdout
    assert b"Hash Version: 1\n" in dump
    assert b"Indirect levels: %d" % (1 if length == 255 else 0) in dump
    (listing,) = debugfs.run(tmp_path / "image", [f"ls -p <{many.number}>"], tmp_path)
    assert debugfs.names(listing).keys() - {b".", b".."} == set(names)


def test_more_subdirectories_than_links_can_count(tmp_path: Path) -> None:
    children = {b"%d" % number: trees.directory() for number in range(65_100)}
    tree = Tree(trees.directory({b"wide": trees.directory(children)}))
    layout = make(tree, tmp_path / "image", Options(uuid=VOLUME))
    assert [inode.links for inode in layout.inodes if inode.number in {2, 12}] == [4, 1]
    debugfs.check(tmp_path / "image")


@pytest.mark.parametrize("extents", [4, 5, 341, 1361, 3000])
def test_fragmented_files(tmp_path: Path, extents: int) -> None:
    body = trees.Body()
    pieces = [(number * 2 * BLOCK, b"%d" % number) for number in range(extents)]
    tree = body.tree(trees.directory({b"f": body.sparse(pieces, 7 * GIB)}), tmp_path / "body")
    make(tree, tmp_path / "image", Options(uuid=VOLUME))
    debugfs.check(tmp_path / "image")
    blocks = debugfs.run(tmp_path / "image", [f"bmap <12> {number}" for number in range(2 * extents)], tmp_path)
    with (tmp_path / "image").open("rb") as image:
        for number, text in enumerate(blocks):
            if number % 2:
                assert int(text) == 0
                continue
            image.seek(int(text) * BLOCK)
            assert image.read(BLOCK) == (b"%d" % (number // 2)).ljust(BLOCK, b"\0")


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("size", [300 * MIB, 5 * GIB + 12345, 700 * GIB, 3 * 2**40])
def test_sizes(tmp_path: Path, size: int, profile: Profile) -> None:
    body = trees.Body()
    tree = body.tree(trees.directory({b"f": body.file(b"content" * 1000)}), tmp_path / "body")
    options = Options(uuid=VOLUME, size=size, inodes=90_000, profile=profile)
    layout = make(tree, tmp_path / "image", options)
    assert (tmp_path / "image").stat().st_size == size
    assert (tmp_path / "image").stat().st_blocks * 512 < 2 * MIB + layout.geometry.groups * 10 * KIB
    debugfs.check(tmp_path / "image")


def test_a_file_larger_than_a_flex_group(tmp_path: Path) -> None:
    """It goes around superblocks and inode tables; its body is a hole of 5 GiB with marks in it."""
    content = tmp_path / "body"
    size = 5 * GIB + 5
    with content.open("wb") as file:
        file.truncate(size)
        for mark in range(0, size, 100 * MIB):
            file.seek(mark)
            file.write(b"mark %d" % mark)
    node = trees.Body().file(b"")
    node.size, node.chunks = size, (Chunk(0, size, 0, 0),)
    tree = Tree(trees.directory({b"large": node}), (content,))
    layout = plan(tree, Options(uuid=VOLUME))
    assert layout.free > 0
    assert len(layout.copies) > 4
    assert sum(copy.length for copy in layout.copies) == -(-size // BLOCK)
    only_marks = Layout(
        layout.options, layout.size, layout.geometry, layout.inodes, (), layout.blobs, layout.used, layout.journal, ()
    )  # fmt: skip
    with (tmp_path / "image").open("wb") as file:
        write(tree, only_marks, file)
    debugfs.check(tmp_path / "image")


@pytest.mark.parametrize("group", [1, 3, 5, 7])
def test_backup_superblocks_bring_a_volume_back(tmp_path: Path, group: int) -> None:
    body = trees.Body()
    tree = body.tree(trees.directory({b"f": body.file(b"content" * 9999)}), tmp_path / "body")
    image = tmp_path / "image"
    layout = make(tree, image, Options(uuid=VOLUME, size=GIB))
    with image.open("r+b") as file:
        file.write(bytes(2 * BLOCK))
    argv: list[str | Path] = ["/usr/sbin/e2fsck", "-fy", "-B", "4096", "-b", str(group * 32768), image]
    assert subprocess.run(argv, capture_output=True, check=False).returncode == 1
    debugfs.check(image)
    compare(tree, debugfs.read(image, layout.inodes[-1].number, tmp_path))


@pytest.mark.parametrize("profile", Profile)
def test_it_can_be_resized(tmp_path: Path, profile: Profile) -> None:
    need("resize2fs")
    body = trees.Body()
    files = {b"%d" % number: body.file(b"%d" % number * 500) for number in range(2000)}
    tree = body.tree(trees.directory({b"d": trees.directory(files)}), tmp_path / "body")
    image = tmp_path / "image"
    layout = make(tree, image, Options(uuid=VOLUME, profile=profile))
    for size in ("3G", "12G", "300G") if profile is Profile.FULL else ("12G",):
        subprocess.run(["/usr/sbin/resize2fs", image, size], capture_output=True, check=True)
        debugfs.check(image)
    compare(tree, debugfs.read(image, layout.inodes[-1].number, tmp_path))
