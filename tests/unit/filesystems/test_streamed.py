"""Formats that are written from front to end: what they refuse, leave out and say."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from bootworthy.errors import BuildError, HostError, RefusedError, UsageError
from bootworthy.filesystems import squashfs, writer
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host.progress import QUIET
from bootworthy.host.tools import Tool
from bootworthy.layers.node import Kind, Node, Tree
from tests import trees

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
HELP = "Compressors available:\n\tgzip (default)\n\tzstd\n"


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str = "4.6.1", ends: str = 'cat >"$2"') -> None:
    """A mksquashfs that says what it is, and writes down how it is called."""
    program = folder / "mksquashfs"
    (folder / "help").write_text(HELP)
    program.write_text(
        f"#!/bin/sh\ncase $1 in\n-version) echo 'mksquashfs version {version} (2023/01/01)' ;;\n"
        f'-help) cat {folder}/help ;;\n*) echo "$SOURCE_DATE_EPOCH" "$@" >{folder}/argv; {ends} ;;\nesac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def prepare(name: str, tree: Tree, **options: object) -> writer.PreparedVolume:
    return writer.filesystem(name).prepare(tree, VolumeOptions(**options), uuid=VOLUME, time=77)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["tar", "cpio", "squashfs"])
@pytest.mark.parametrize("option", [{"size": 1}, {"free": 5}, {"inodes": 1}, {"label": "x"}, {"uuid": VOLUME}])
def test_options_that_mean_nothing(name: str, option: dict[str, object]) -> None:
    with pytest.raises(UsageError) as caught:
        prepare(name, Tree(trees.directory()), **option)
    assert caught.value.code == f"{name}.option"
    assert f"--{next(iter(option))}" in caught.value.message


@pytest.mark.parametrize("name", ["tar", "cpio", "squashfs"])
def test_a_profile_that_is_none_names_the_nearest(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        prepare(name, Tree(trees.directory()), profile="zst")
    assert (caught.value.code, caught.value.hint) == (f"{name}.profile", "did you mean zstd?")


@pytest.mark.parametrize(
    ("name", "code", "node"),
    [
        ("tar", "tar.xattr-name", Node(Kind.FILE, 0, xattrs=((b"user.a=b", b""),))),
        ("tar", "tar.target", Node(Kind.SYMLINK, 0o777, target=b"\0")),
        ("cpio", "cpio.file-too-large", Node(Kind.FILE, 0, size=2**32)),
        ("cpio", "cpio.time", Node(Kind.FILE, 0, mtime=-1)),
        ("cpio", "cpio.time", Node(Kind.FILE, 0, mtime=2**32 * 10**9)),
        ("squashfs", "squashfs.time", Node(Kind.FILE, 0, mtime=-1)),
        ("squashfs", "squashfs.xattr-name", Node(Kind.FILE, 0, xattrs=((b"user.=", b""),))),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_its_path(name: str, code: str, node: Node) -> None:
    with pytest.raises(RefusedError) as caught:
        prepare(name, Tree(trees.directory({b"d": trees.directory({b"bad": node})})))
    assert (caught.value.code, caught.value.where) == (code, "/d/bad")


def test_names_that_an_initramfs_cannot_hold() -> None:
    deep = Node(Kind.FIFO, 0)
    for _ in range(17):
        deep = trees.directory({b"n" * 255: deep})
    for code, root in (("path-too-long", deep), ("name", trees.directory({b"TRAILER!!!": Node(Kind.FIFO, 0)}))):
        with pytest.raises(RefusedError) as caught:
            prepare("cpio", Tree(root))
        assert caught.value.code == f"cpio.{code}"


def test_a_directory_has_one_name() -> None:
    same = trees.directory()
    with pytest.raises(RefusedError) as caught:
        prepare("tar", Tree(trees.directory({b"a": same, b"b": same})))
    assert (caught.value.code, caught.value.where) == ("tar.linked-directory", "/b")


def test_mksquashfs_that_is_missing_or_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Tree(trees.directory())
    monkeypatch.setattr(squashfs, "MKSQUASHFS", Tool("mksquashfs-none", "squashfs-tools", "write squashfs"))
    with pytest.raises(HostError) as caught:
        prepare("squashfs", tree)
    assert (caught.value.code, caught.value.hint) == ("tool.missing", "apt-get install squashfs-tools")
    monkeypatch.undo()
    fake(tmp_path, monkeypatch, "4.4")
    with pytest.raises(HostError) as caught:
        prepare("squashfs", tree)
    assert caught.value.code == "squashfs.tool-too-old"
    fake(tmp_path, monkeypatch)
    with pytest.raises(HostError) as caught:
        prepare("squashfs", tree, profile="xz")
    assert caught.value.code == "squashfs.no-compressor"


def arguments(folder: Path, tree: Tree) -> str:
    prepared = prepare("squashfs", tree)
    with (folder / "out").open("w+b") as file:
        prepared.write(file, QUIET)
    return (folder / "argv").read_text()


def test_everything_that_could_differ_is_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch)
    tree = Tree(trees.directory({b"d": trees.directory()}, 0o711, uid=7, gid=8, mtime=5_500_000_000))
    said = arguments(tmp_path, tree)
    assert said.endswith(
        " -tar -noappend -no-recovery -no-progress -quiet -exit-on-error -reproducible -no-exports -b 131072 -mem 512M"
        " -comp zstd -Xcompression-level 6 -root-mode 711 -root-uid 7 -root-gid 8 -root-time 5 -mkfs-time 77\n"
    )
    assert (tmp_path / "out").read_bytes()[:3] == b"d/\0", "the root is no member"


def test_before_4_6_the_root_is_roots_and_of_the_newest_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "4.5.1")
    said = arguments(tmp_path, Tree(trees.directory({b"d": trees.directory(mtime=99 * 10**9)})))
    assert said.startswith("99 - ")
    assert "-mkfs-time" not in said
    for code, root in (
        ("squashfs.root-owner", trees.directory(uid=7)),
        ("squashfs.time", trees.directory(mtime=int(time.time() + 86400) * 10**9)),
    ):
        with pytest.raises(RefusedError) as caught:
            prepare("squashfs", Tree(root))
        assert (caught.value.code, caught.value.where) == (code, "/")


def test_a_program_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, ends="echo it is broken; exit 3")
    body = trees.Body()
    tree = body.tree(trees.directory({b"f": body.file(bytes(1 << 20))}), tmp_path / "body")
    with pytest.raises(BuildError) as caught:
        arguments(tmp_path, tree)
    assert "it is broken" in caught.value.message
