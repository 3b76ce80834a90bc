from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from bootworthy.filesystems.cpio import FILESYSTEM, directory, file, symlink, write
from bootworthy.filesystems.writer import Planned, VolumeOptions
from bootworthy.host.progress import QUIET
from bootworthy.layers.node import Kind, Node, Tree
from tests import archive, mounts, trees
from tests.archive import Fact
from tests.needs import need, need_root

LONG = b"d/" + b"n" * 255


def test_cpio_lists_and_extracts(tmp_path: Path) -> None:
    need("cpio")
    archive = write([
        directory(b"d", 0o750), file(b"d/run", b"#!/bin/sh\n", 0o755), symlink(b"l", b"d/run"), file(LONG, b"12345"),
        file(b"d/\xff", b""),
    ], mtime=86400)  # fmt: skip
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=archive, capture_output=True, check=True)
    assert listed.stdout.splitlines() == [b"d", b"d/run", b"l", LONG, b"d/\xff"]
    assert listed.stderr == b""
    subprocess.run(["cpio", "-i", "--quiet", "-m"], input=archive, cwd=tmp_path, check=True)
    root = os.fsencode(tmp_path)
    assert (tmp_path / "d/run").read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / "d/run").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "d/run").stat().st_mtime == 86400
    assert os.readlink(root + b"/l") == b"d/run"
    assert Path(os.fsdecode(root + b"/" + LONG)).read_bytes() == b"12345"


def make(tree: Tree, out: Path, profile: str | None = None) -> Planned:
    prepared = FILESYSTEM.prepare(tree, VolumeOptions(profile=profile), uuid=uuid.UUID(int=0), time=0)
    with out.open("w+b") as volume:
        prepared.write(volume, QUIET)
    return prepared.planned


def kept(tree: Tree) -> dict[bytes, Fact]:
    """What cpio keeps: whole seconds, no attributes; GNU cpio makes a symbolic link for each of its names."""
    return {
        path: replace(
            fact, xattrs=(), mtime=fact.mtime // 10**9 * 10**9, names=() if fact.kind == "symlink" else fact.names
        )
        for path, fact in archive.of_tree(tree).items()
    }


def timed(found: dict[bytes, Fact]) -> dict[bytes, Fact]:
    """Without what GNU cpio leaves as it comes: times of links and folders, and the folder it unpacks into."""
    return {
        path: replace(fact, mtime=0) if fact.kind in {"symlink", "directory"} else fact
        for path, fact in found.items()
        if path
    }


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(drawn=trees.roots())
def test_gnu_cpio_unpacks_what_went_in(drawn: tuple[trees.Body, Node]) -> None:
    need("cpio")
    need_root("owners and devices")
    body, root = drawn
    mounts.every_second(root)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = body.tree(root, folder / "body")
        make(tree, folder / "out.cpio")
        (folder / "room").mkdir()
        found = mounts.unpacked(["cpio", "-idm", "--quiet"], folder / "out.cpio", folder / "room")
        assert archive.differences(timed(found), timed(kept(tree))) == []


def test_bsdtar_lists_it_and_profiles_hold_the_same(tmp_path: Path) -> None:
    need("bsdtar", "zstd", "gzip")
    body = trees.Body()
    root = trees.directory(
        {b"a": body.file(b"x" * 10_000_000, xattrs=((b"user.a", b"1"),)), b"l": Node(Kind.SOCKET, 0o700)}
    )
    root.children[b"b"] = root.children[b"a"]
    tree = body.tree(root, tmp_path / "body")
    planned = make(tree, tmp_path / "plain")
    assert planned.facts["left-out-xattrs"] == ["/a: user.a", "/b: user.a"]
    plain = (tmp_path / "plain").read_bytes()
    assert planned.size == len(plain)
    assert plain.count(b"x" * 1000) <= 10_000, "content stands once"
    for profile in ("gzip", "zstd"):
        make(tree, tmp_path / profile, profile)
        done = subprocess.run(
            [profile, "-dc"], input=(tmp_path / profile).read_bytes(), capture_output=True, check=True
        )
        assert done.stdout == plain
    listed = subprocess.run(["bsdtar", "-tf", tmp_path / "plain"], capture_output=True, check=True)
    assert listed.stdout.split() == [b".", b"a", b"b", b"l"]
