"""Volumes that others wrote are read: mke2fs with the features of many years, debugfs where mke2fs cannot."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError
from bootworthy.filesystems.ext4.read import read
from bootworthy.host.processes import run
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.volumes.unpack import unpack
from tests import debugfs, trees
from tests.needs import need, need_root
from tests.same_trees import same

WAYS = {
    "today": [],
    "1k blocks": ["-b", "1024"],
    "2k blocks": ["-b", "2048"],
    "64k blocks": ["-b", "65536", "-N", "4000"],
    "ext2": ["-t", "ext2"],
    "ext2, small inodes": ["-t", "ext2", "-b", "1024", "-I", "128", "-O", "^dir_index"],
    "ext3": ["-t", "ext3", "-b", "1024"],
    "no checksums": ["-O", "^metadata_csum"],
    "old checksums": ["-O", "^metadata_csum,uninit_bg"],
    "32 bits": ["-O", "^64bit"],
    "no flex groups": ["-O", "^flex_bg", "-b", "1024"],
    "meta groups": ["-O", "meta_bg,^resize_inode", "-b", "1024"],
    "few backups": ["-O", "sparse_super2,^resize_inode,meta_bg", "-b", "1024"],
    "seed": ["-O", "metadata_csum_seed"],
    "large clusters": ["-O", "bigalloc"],
    "more of everything": ["-O", "project,quota,casefold,large_dir,verity"],
    "wide inodes": ["-I", "1024"],
}


@pytest.fixture(autouse=True)
def _tools() -> None:
    need("mke2fs", "debugfs", "e2fsck")
    need_root("gives files to others, and makes devices")


def mke2fs(image: Path, options: list[str], folder: Path | None = None, size: str = "24M") -> Path:
    """A volume of a folder. What is read from it is held against what went in, so nothing else has to be the same."""
    image.unlink(missing_ok=True)
    kind = [] if "-t" in options else ["-t", "ext4"]
    run(["/usr/sbin/mke2fs", "-q", "-F", *kind, *options, *(["-d", str(folder)] if folder else []), str(image), size])
    return image


def plain(root: Node) -> Node:
    """What a folder of this machine and 32 bits of time can hold: `mke2fs -d` reads it from there."""
    names = [root]
    while names:
        node = names.pop()
        node.mtime = node.mtime % (2**31 * 10**9) // 10**9 * 10**9
        node.xattrs = tuple((name, value) for name, value in node.xattrs if name.startswith(b"user."))
        if node.kind not in {Kind.FILE, Kind.DIRECTORY}:
            node.xattrs = ()
        if node.kind is Kind.SYMLINK:
            node.target = node.target[:900]
        # It makes every name of a symbolic link one of its own.
        alone = {name: replace(each) for name, each in node.children.items() if each.kind is Kind.SYMLINK}
        node.children |= alone
        names.extend(node.children.values())
    return root


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(drawn=trees.roots(), way=st.sampled_from(sorted(WAYS)))
def test_what_mke2fs_wrote_is_read(drawn: tuple[trees.Body, Node], way: str) -> None:
    body, root = drawn
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = body.tree(plain(root), folder / "body")
        unpack(tree, folder / "root", (), name="drawn")
        image = mke2fs(folder / "image", WAYS[way], folder / "root")
        found = read(image)
        _forget(tree, found)
        same(tree, found)


def _forget(tree: Tree, found: Tree) -> None:
    """What mke2fs of Debian 12 does not take along: what is said of the root itself."""
    for wanted in (tree, found):
        wanted.root.mtime, wanted.root.uid, wanted.root.gid, wanted.root.mode = 0, 0, 0, 0
        wanted.root.xattrs = ()


@pytest.mark.parametrize("way", WAYS)
def test_every_way_of_mke2fs(tmp_path: Path, way: str) -> None:
    """Directories of many blocks, files in many pieces, long and short links, attributes, large owners."""
    root = tmp_path / "root"
    (root / "many").mkdir(parents=True)
    for number in range(1500):
        (root / "many" / f"{number}-{'n' * (number % 200)}").touch()
    with (root / "pieces").open("wb") as file:
        for number in range(500):
            file.seek(number * 2 * 65536 if number < 150 else 150 * 131072 + number * 8192)
            file.write(b"%d" % number)
    (root / "dense").write_bytes(b"".join(b"%08d" % number for number in range(100_000)))
    os.link(root / "dense", root / "many" / "again")
    os.symlink("dense", root / "short")
    os.symlink("s" * 59, root / "59")
    os.symlink("s" * 60, root / "60")
    os.symlink("/".join(["long"] * 180), root / "long")
    os.mknod(root / "device", 0o020620, os.makedev(4, 300))
    os.mkfifo(root / "pipe")
    os.chown(root / "pipe", 70_000, 4_000_000_000)
    os.setxattr(root / "dense", "user.small", b"x")
    os.setxattr(root / "many", "user.large", b"y" * 500)
    image = mke2fs(tmp_path / "image", WAYS[way], root, "48M")
    found = read(image)
    out = tmp_path / "out"
    unpack(found, out, (), name="read")
    listing = ["find", ".", "-mindepth", "1", "-printf", r"%P %y %m %U %G %s %n %l\n"]
    attributes = ["getfattr", "-Rhd", "-m-", "."]
    for command in (listing, attributes):
        lines = [sorted(run(command, cwd=place).text.splitlines()) for place in (root, out)]
        assert [line for line in lines[0] if " d " not in line] == [line for line in lines[1] if " d " not in line]
    run(["diff", "-r", "--no-dereference", root / "dense", out / "dense"])
    assert (root / "pieces").read_bytes() == (out / "pieces").read_bytes()
    assert (out / "many" / "again").stat().st_ino == (out / "dense").stat().st_ino


def test_a_hash_tree_of_the_kernels_kind_is_read(tmp_path: Path) -> None:
    """e2fsck -D makes hash trees as the kernel does."""
    root = tmp_path / "root"
    root.mkdir()
    for number in range(1000):
        (root / f"{number:050}").touch()
    for way in ("1k blocks", "no checksums"):
        image = mke2fs(tmp_path / "image", WAYS[way], root)
        run(["/usr/sbin/e2fsck", "-fyD", image], check=False)
        assert "Hash Version" in run(["/usr/sbin/debugfs", "-R", "htree_dump /", image]).text
        assert read(image).root.children.keys() == {f"{number:050}".encode() for number in range(1000)}


def test_a_file_in_one_piece_and_reserved_room(tmp_path: Path) -> None:
    """What is only reserved reads as zeros; what is reserved behind the end is not the file's."""
    image = mke2fs(tmp_path / "image", [])
    (tmp_path / "data").write_bytes(b"data" * 5000)
    script = [f"write {tmp_path / 'data'} file", "fallocate file 10 40", "sif file size 100000"]
    run(["/usr/sbin/debugfs", "-w", "-f", "-", image], data="\n".join(script).encode())
    tree = read(image)
    content = tree.read(tree.root.children[b"file"])
    assert content == (b"data" * 5000).ljust(100_000, b"\0")


def test_what_is_found_again_in_lost_and_found_is_shown(tmp_path: Path) -> None:
    image = mke2fs(tmp_path / "image", [])
    run(["/usr/sbin/debugfs", "-w", "-f", "-", image], data=b"mkdir lost+found/found\n")
    assert list(read(image).root.children[b"lost+found"].children) == [b"found"]


@pytest.mark.parametrize(
    ("options", "script", "said"),
    [
        (["-O", "inline_data"], "mkdir small", "inline_data"),
        ([], "feature needs_recovery", "not unmounted"),
        ([], "sif lost+found block[0] 7", "damaged"),
        ([], "sif lost+found links_count 0", "says that it is not"),
        ([], "sif lost+found flags 0x80800", "encrypted"),
        ([], "link <2> again", "two names"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(
    tmp_path: Path, options: list[str], script: str, said: str
) -> None:
    image = mke2fs(tmp_path / "image", options)
    run(["/usr/sbin/debugfs", "-w", "-f", "-", image], data=f"{script}\n".encode())
    with pytest.raises(IntegrityError) as error:
        read(image)
    assert (error.value.code, error.value.where) == ("ext4.unreadable", str(image))
    assert said in error.value.message
    assert "e2fsck" in (error.value.hint or "")


def test_directories_that_never_end_are_refused(tmp_path: Path) -> None:
    image = mke2fs(tmp_path / "image", ["-O", "^metadata_csum"], size="64M")
    name = "d" * 250
    lines = [f"mkdir {name}\ncd {name}\n" for _ in range(70)]
    run(["/usr/sbin/debugfs", "-w", "-f", "-", image], data="".join(lines).encode())
    with pytest.raises(IntegrityError) as error:
        read(image)
    assert "nest deeper" in error.value.message


def test_debugfs_reads_the_same_of_what_mke2fs_wrote(tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree("/usr/share/doc", root, symlinks=True, dirs_exist_ok=True, ignore=_only_some)
    image = mke2fs(tmp_path / "image", [], root)
    for path, node in read(image).walk():
        if node.kind is not Kind.DIRECTORY or not node.children:
            continue
        (listing,) = debugfs.run(image, [f'ls -p "/{path.decode()}"'], tmp_path)
        names = debugfs.names(listing).keys() - {b".", b"..", b"lost+found"}
        assert names == node.children.keys()


def _only_some(folder: str, names: list[str]) -> list[str]:
    return sorted(names)[12:] if folder == "/usr/share/doc" else []
