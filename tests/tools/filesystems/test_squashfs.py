"""squashfs read back by the kernel of this machine and by unsquashfs."""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.errors import RefusedError
from bootworthy.filesystems import squashfs
from bootworthy.filesystems.writer import Planned, VolumeOptions
from bootworthy.host.progress import QUIET
from bootworthy.layers.node import BLOCK, Kind, Node, Tree
from tests import archive, mounts, trees
from tests.archive import Fact
from tests.needs import need

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
PROFILES = ("zstd", "gzip", "lz4", "xz", "none")
slow = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(autouse=True)
def _tools() -> None:
    need("mksquashfs", "unsquashfs")
    mounts.need_mount("squashfs")


def make(tree: Tree, image: Path, profile: str | None = None) -> Planned:
    prepared = squashfs.FILESYSTEM.prepare(tree, VolumeOptions(profile=profile), uuid=VOLUME, time=10**9)
    with image.open("w+b") as file:
        prepared.write(file, QUIET)
    assert image.stat().st_size == prepared.planned.size
    return prepared.planned


def kept(tree: Tree) -> dict[bytes, Fact]:
    """What squashfs keeps of a tree."""
    found = {
        path: replace(fact, xattrs=tuple(pair for pair in fact.xattrs if not pair[0].startswith(b"system.")))
        for path, fact in archive.of_tree(tree).items()
        if fact.kind != "socket"
    }
    found[b""] = replace(found[b""], xattrs=())
    if not mounts.squashfs_root_is_told():
        newest = max(10**9, *(node.mtime // 10**9 for _, node in tree.walk()))
        found[b""] = replace(found[b""], mtime=newest * 10**9)
    return found


@slow
@given(drawn=trees.roots(), profile=st.sampled_from(PROFILES))
def test_a_kernel_reads_what_went_in(drawn: tuple[trees.Body, Node], profile: str) -> None:
    body, root = drawn
    mounts.as_kernels_take_it(root)
    mounts.every_second(root)
    for _, node in Tree(root).walk():
        node.mtime %= 1_600_000_000 * 10**9  # times that have passed
        if squashfs.stripped(node.target):
            node.target = b"x" + node.target
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = body.tree(root, folder / "body")
        make(tree, folder / "image", profile)
        found = mounts.read("squashfs", folder / "image")
        assert archive.differences(found, kept(tree)) == []
        # attributes of links and devices are more than it can set
        argv: list[str | Path] = ["unsquashfs", "-no-progress", "-no-xattrs", "-d", folder / "un", folder / "image"]
        done = subprocess.run(argv, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", [b"/\x80", b"./" + b"x" * 99, b"../\xff/x"])
def test_what_mksquashfs_would_cut_is_refused(tmp_path: Path, target: bytes) -> None:
    tree = Tree(trees.directory({b"link": Node(Kind.SYMLINK, 0o777, target=target)}))
    with pytest.raises(RefusedError) as caught:
        make(tree, tmp_path / "image", "zstd")
    assert (caught.value.code, caught.value.where) == ("squashfs.target", "/link")
    assert not (tmp_path / "image").exists() or not (tmp_path / "image").stat().st_size


def nasty(folder: Path) -> Tree:
    body = trees.Body()
    lists = ((b"system.posix_acl_access", trees.ACL),)
    names = [(b"%d-" % number).ljust(255, b"\xff") for number in range(900)]
    root = trees.directory({
        b"acl": trees.directory(mode=0o2770, xattrs=lists),
        b"attributes": body.file(b"2", xattrs=tuple((b"user.%d" % number, b"v" * 900) for number in range(9))),
        b"fraction": body.file(b"4", mtime=10**9 + 1),
        b"large": body.file(bytes(range(256)) * 20_000),
        b"link": Node(Kind.SYMLINK, 0o777, target=b"t" * 4095),
        b"many": trees.directory({name: body.file(name) for name in names}),
        b"setuid": body.file(b"3" * BLOCK, 0o4755, xattrs=((b"security.capability", trees.CAPABILITY),)),
        b"socket": Node(Kind.SOCKET, 0o755),
        b"sparse": body.sparse([(BLOCK * 1000, b"b" * 9000)], BLOCK * 3000 + 1),
        b"tty": Node(Kind.CHARACTER, 0o620, uid=2**32 - 2, gid=5, device=(4095, 2**20 - 1)),
    }, 0o1711, mtime=77 * 10**9)  # fmt: skip
    root.children[b"again"] = root.children[b"setuid"]
    root.children[b"tty2"] = root.children[b"tty"]
    return body.tree(root, folder / "body")


@pytest.mark.parametrize("profile", PROFILES)
def test_the_edges_of_the_format_and_the_same_bytes(profile: str, tmp_path: Path) -> None:
    tree = nasty(tmp_path)
    planned = make(tree, tmp_path / "image", profile)
    assert planned.facts["left-out-xattrs"] == ["/acl: system.posix_acl_access"]
    assert planned.facts["left-out-sockets"] == ["/socket"]
    wanted = kept(tree)
    wanted[b"fraction"] = replace(wanted[b"fraction"], mtime=10**9)
    assert archive.differences(mounts.read("squashfs", tmp_path / "image"), wanted) == []
    used = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(used)})
        make(tree, tmp_path / "again", profile)
    finally:
        os.sched_setaffinity(0, used)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "image").read_bytes()
    done = subprocess.run(
        ["unsquashfs", "-no-xattrs", "-d", tmp_path / "out", tmp_path / "image"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/large").read_bytes() == tree.read(tree.root.children[b"large"])


def test_a_root_that_is_somebody_elses(tmp_path: Path) -> None:
    tree = trees.Body().tree(trees.directory(uid=7, gid=8, mtime=5 * 10**9), tmp_path / "body")
    if not mounts.squashfs_root_is_told():
        with pytest.raises(RefusedError) as caught:
            make(tree, tmp_path / "image")
        assert caught.value.code == "squashfs.root-owner"
        return
    make(tree, tmp_path / "image")
    assert archive.differences(mounts.read("squashfs", tmp_path / "image"), kept(tree)) == []
