"""erofs read back by fsck.erofs and by the kernel of this machine."""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bootworthy.errors import HostError
from bootworthy.filesystems import erofs
from bootworthy.filesystems.writer import Planned, VolumeOptions
from bootworthy.host import processes
from bootworthy.host.progress import QUIET
from bootworthy.layers.node import BLOCK, Kind, Node, Tree
from tests import archive, mounts, trees
from tests.needs import need, need_newer

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
slow = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.fixture(autouse=True)
def _tools() -> None:
    need("fsck.erofs", "dump.erofs", "mkfs.erofs")
    mounts.need_mount("erofs")


def make(tree: Tree, image: Path, profile: str = erofs.FLAT, label: str = "") -> Planned:
    options = VolumeOptions(profile=profile, label=label)
    prepared = erofs.FILESYSTEM.prepare(tree, options, uuid=VOLUME, time=10**9)
    with image.open("w+b") as file:
        prepared.write(file, QUIET)
    assert image.stat().st_size == prepared.planned.size
    return prepared.planned


def check(image: Path, devices: Sequence[Path] = ()) -> None:
    named = [f"--device={device}" for device in devices]
    done = subprocess.run(["fsck.erofs", "--extract", *named, image], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"<E>" not in done.stdout + done.stderr


def two(first: tuple[trees.Body, Node], second: tuple[trees.Body, Node], folder: Path) -> Tree:
    """A tree whose files are in two bodies."""
    bodies = []
    for number, (body, root) in enumerate((first, second)):
        mounts.as_kernels_take_it(root)
        bodies.append(body.tree(root, folder / f"{number:064d}.body").bodies[0])
        for _, node in Tree(root).walk():
            node.chunks = tuple(chunk._replace(body=number) for chunk in node.chunks)
    return Tree(trees.directory({b"first": first[1], b"second": second[1]}), tuple(bodies))


@slow
@given(first=trees.roots(), second=trees.roots(), profile=st.sampled_from([erofs.FLAT, erofs.LAYERED]))
def test_a_kernel_reads_what_went_in(
    first: tuple[trees.Body, Node], second: tuple[trees.Body, Node], profile: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = two(first, second, folder)
        planned = make(tree, folder / "image", profile)
        check(folder / "image", planned.devices)
        found = mounts.read("erofs", folder / "image", planned.devices)
        assert archive.differences(found, archive.of_tree(tree)) == []
        if planned.devices:
            joined = folder / "joined"
            joined.write_bytes(b"".join(path.read_bytes() for path in (folder / "image", *planned.devices)))
            assert archive.differences(mounts.read("erofs", joined), archive.of_tree(tree)) == []


def nasty(folder: Path) -> Tree:
    """What is at the edges: long lists and names, files with holes, links that fill a block, many attributes."""
    body = trees.Body()
    lists = ((b"system.posix_acl_access", trees.ACL), (b"system.posix_acl_default", trees.ACL))
    many = tuple((b"user.%03d" % number, b"v" * 2000) for number in range(20))
    names = {(b"%d-" % number).ljust(255, b"\xff"): Node(Kind.FIFO, 0o600) for number in range(3000)}
    root = trees.directory({
        b"!before the dots": body.file(b"1"),
        b"acl": trees.directory(mode=0o2770, xattrs=lists),
        b"attributes": body.file(b"2", xattrs=many),
        b"far": body.sparse([(0, b"a"), (BLOCK * 1000, b"b" * 9000), (BLOCK * 20_001, b"c")], BLOCK * 30_000 + 1),
        b"fragmented": body.sparse([(2 * BLOCK * number, b"%d" % number) for number in range(300)], 700 * BLOCK),
        b"hole": Node(Kind.FILE, 0o600, size=2**26 + 5),
        b"large": body.file(bytes(range(256)) * 20_000),
        b"links": trees.directory({
            b"%d" % size: Node(Kind.SYMLINK, 0o777, target=b"t" * size) for size in (1, 4031, 4032, 4033, 4095)
        }),
        b"many": trees.directory(names),
        b"setuid": body.file(b"3" * BLOCK, 0o4755, xattrs=((b"security.capability", trees.CAPABILITY),)),
        b"socket": Node(Kind.SOCKET, 0o755, mtime=10**9),
        b"tty": Node(Kind.CHARACTER, 0o620, uid=2**32 - 2, gid=5, device=(4095, 2**20 - 1)),
    }, 0o1711, mtime=-1)  # fmt: skip
    root.children[b"again"] = root.children[b"setuid"]
    root.children[b"tty2"] = root.children[b"tty"]
    return body.tree(root, folder / f"{'ab' * 32}.body")


@pytest.mark.parametrize("profile", [erofs.FLAT, erofs.LAYERED])
def test_the_edges_of_the_format(profile: str, tmp_path: Path) -> None:
    tree = nasty(tmp_path)
    planned = make(tree, tmp_path / "image", profile, label="fifteen bytes!!")
    check(tmp_path / "image", planned.devices)
    found = mounts.read("erofs", tmp_path / "image", planned.devices)
    assert archive.differences(found, archive.of_tree(tree)) == []
    make(tree, tmp_path / "again", profile, label="fifteen bytes!!")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "image").read_bytes()


def test_what_it_says_of_itself(tmp_path: Path) -> None:
    planned = make(nasty(tmp_path), tmp_path / "image", erofs.LAYERED)
    devices = [f"--device={device}" for device in planned.devices]
    said = subprocess.run(
        ["dump.erofs", "-s", *devices, tmp_path / "image"], capture_output=True, check=True, text=True
    )
    facts = {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in said.stdout.splitlines())
    }
    assert facts["Filesystem UUID"] == str(VOLUME)
    assert facts["Filesystem inode count"] == str(planned.facts["inodes"])
    assert facts["Filesystem features"].split() == ["sb_csum", "mtime", "chunked_file", "device_table"]
    assert planned.facts["devices"] == [{"tag": "ab" * 32, "blocks": planned.devices[0].stat().st_size // BLOCK}]


@pytest.mark.parametrize("profile", erofs.compressed.PROFILES)
def test_compressed_by_mkfs_erofs(profile: str, tmp_path: Path) -> None:
    need_newer("mkfs.erofs", "--tar")
    tree = nasty(tmp_path)
    for name in (b"far", b"hole", b"tty", b"tty2"):  # zeros take their time, and 1.8 changes such large minors
        del tree.root.children[name]
    tree.root.children[b"attributes"].xattrs = ((b"user.a", b"v" * 20_000),)
    tree.root.mtime = 5 * 2**31 * 10**9 + 450
    make(tree, tmp_path / "image", profile, label="root")
    check(tmp_path / "image")
    tree.root.mtime -= 450
    wanted = {name: fact for name, fact in archive.of_tree(tree).items() if fact.kind != "socket"}
    assert archive.differences(mounts.read("erofs", tmp_path / "image"), wanted) == []
    make(tree, tmp_path / "again", profile, label="root")  # fractions of seconds are not kept
    assert (tmp_path / "again").read_bytes() == (tmp_path / "image").read_bytes()


def test_one_that_reads_no_tar_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # That of Debian 12, where this is one.
    if "--tar" in processes.run(["/usr/bin/mkfs.erofs", "--help"], check=False).text:
        pytest.skip("the mkfs.erofs of this machine reads a tar")
    monkeypatch.setenv("PATH", "/usr/bin")
    with pytest.raises(HostError) as caught:
        make(trees.Body().tree(trees.directory(), tmp_path / "body"), tmp_path / "image", "lz4")
    assert (caught.value.code, caught.value.exit_status) == ("erofs.tool-too-old", 7)
    assert not (tmp_path / "image").exists()
