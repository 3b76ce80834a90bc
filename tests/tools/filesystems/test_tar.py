"""The merged tar read back by Python's tarfile, GNU tar and libarchive."""

from __future__ import annotations

import gzip
import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from bootworthy.filesystems import tar
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host.progress import QUIET
from bootworthy.layers.node import BLOCK, Kind, Node, Tree
from tests import archive, mounts, trees
from tests.archive import Fact
from tests.needs import need, need_root

slow = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def make(tree: Tree, out: Path, profile: str | None = None) -> None:
    prepared = tar.FILESYSTEM.prepare(tree, VolumeOptions(profile=profile), uuid=uuid.UUID(int=0), time=0)
    with out.open("w+b") as file:
        prepared.write(file, QUIET)
    assert out.stat().st_size == prepared.planned.size


def wanted(tree: Tree) -> dict[bytes, Fact]:
    return {path: fact for path, fact in archive.of_tree(tree).items() if fact.kind != "socket"}


@slow
@given(drawn=trees.roots())
def test_tarfile_reads_what_went_in(drawn: tuple[trees.Body, Node]) -> None:
    body, root = drawn
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = body.tree(root, folder / "body")
        make(tree, folder / "out")
        found = archive.read(folder / "out")
        found[b""] = found.pop(b".")
        assert archive.differences(found, wanted(tree)) == []


def nasty(folder: Path) -> Tree:
    body = trees.Body()
    root = trees.directory({
        b"attributes": body.file(b"2", xattrs=((b"trusted.t", bytes(range(256))), (b"user.a", b""))),
        b"long": trees.directory({b"n" * 255: trees.directory({b"m" * 255: body.file(b"1", mtime=10**9 + 5)})}),
        b"link": Node(Kind.SYMLINK, 0o777, target=b"\xff" * 4000),
        b"setuid": body.file(b"3" * BLOCK, 0o4755, uid=2**31, xattrs=((b"security.capability", trees.CAPABILITY),)),
        b"socket": Node(Kind.SOCKET, 0o755),
        b"sparse": body.sparse([(BLOCK * 10, b"b" * 9000)], BLOCK * 30 + 1),
        b"tty": Node(Kind.CHARACTER, 0o620, device=(4, 300)),
        b"\xfe\n": body.file(b"x", mtime=-5 * 10**9),
    }, 0o1711, mtime=77 * 10**9)  # fmt: skip
    root.children[b"again"] = root.children[b"setuid"]
    return body.tree(root, folder / "body")


@pytest.mark.parametrize("program", ["tar", "bsdtar"])
@pytest.mark.parametrize("profile", ["none", "gzip", "zstd"])
def test_programs_unpack_it(program: str, profile: str, tmp_path: Path) -> None:
    need(program, "zstd")
    need_root("owners and devices")
    tree = nasty(tmp_path)
    make(tree, tmp_path / "out.tar", profile)
    options = {
        "tar": ["--numeric-owner", "--xattrs", "--xattrs-include=*", "-xp", "-f-"],
        "bsdtar": ["--numeric-owner", "--xattrs", "-xp", "-f-"],
    }
    argv = [program, *({"none": [], "gzip": ["-z"], "zstd": ["--zstd"]}[profile]), *options[program]]
    room = tmp_path / "room"
    room.mkdir()
    found, expected = mounts.unpacked(argv, tmp_path / "out.tar", room), wanted(tree)
    if program == "bsdtar":  # it leaves the folder that it unpacks into as it is
        del found[b""], expected[b""]
    assert archive.differences(found, expected) == []


@pytest.mark.parametrize("profile", ["none", "gzip", "zstd"])
def test_the_same_bytes(profile: str, tmp_path: Path) -> None:
    tree = nasty(tmp_path)
    make(tree, tmp_path / "one", profile)
    make(tree, tmp_path / "two", profile)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    make(tree, tmp_path / "plain")
    if profile == "gzip":
        assert gzip.decompress((tmp_path / "one").read_bytes()) == (tmp_path / "plain").read_bytes()
