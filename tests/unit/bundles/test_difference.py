from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from bootworthy.bundles.contents import Contents, contents
from bootworthy.bundles.difference import Change, difference, files
from bootworthy.layers.node import Kind, Node, Tree
from tests.trees import Body, directory, roots
from tests.unit.bundles.test_contents import tree

STATUS = "Package: {}\nStatus: install ok installed\nArchitecture: {}\nVersion: {}\n\n"


def looked(
    folder: Path, files_: Mapping[str, bytes | str], links: Mapping[str, str] | None = None
) -> tuple[Tree, Contents]:
    made = tree(folder, files_, links)
    return made, contents(made, {})


def test_what_people_ask_about(tmp_path: Path) -> None:
    dpkg = "var/lib/dpkg/status"
    before = looked(
        tmp_path / "a",
        {
            dpkg: STATUS.format("bash", "amd64", "5.1") + STATUS.format("old", "all", "1"),
            "etc/passwd": "root:x:0:0::/root:/bin/bash\ngone:x:9:9::/:/bin/sh\n", "etc/shadow": "root:*:1::::::\n",
            "boot/vmlinuz-6.1.0-1": "x",
        },
        {"etc/systemd/system/multi-user.target.wants/cron.service": "x"},
    )  # fmt: skip
    after = looked(
        tmp_path / "b",
        {
            dpkg: STATUS.format("bash", "amd64", "5.2") + STATUS.format("new", "all", "2"),
            "etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/shadow": "root::1::::::\n", "usr/sbin/sshd": "x",
            "boot/vmlinuz-6.1.0-2": "x", "lib/systemd/system/ssh.socket": "[Socket]\nListenStream=22\n",
        },
        {"etc/systemd/system/sockets.target.wants/ssh.socket": "x"},
    )  # fmt: skip
    found = difference(before, after)
    assert (found.packages.added, found.packages.removed) == (("new 2",), ("old 1",))
    assert found.packages.changed == (Change("bash", "5.1", "5.2"),)
    assert found.users.removed[0].startswith("gone ")
    assert "password locked" in found.users.changed[0].before
    assert "password none" in found.users.changed[0].after
    assert (found.enabled.added, found.enabled.removed) == (("ssh.socket",), ("cron.service",))
    assert found.listens.added == ("*:22/tcp",)
    assert found.lacks.removed == ("sshd",)
    assert (found.kernels.added, found.kernels.removed) == (("6.1.0-2",), ("6.1.0-1",))
    assert set(found.as_json()) == {"kernels", "packages", "users", "enabled", "listens", "lacks", "files"}
    assert found


def test_packages_of_two_architectures(tmp_path: Path) -> None:
    dpkg = "var/lib/dpkg/status"
    one = looked(tmp_path / "a", {dpkg: STATUS.format("libc6", "amd64", "1")})
    moved = looked(tmp_path / "b", {dpkg: STATUS.format("libc6", "arm64", "2")})
    assert difference(one, moved).packages.changed == (Change("libc6", "1", "2"),)
    both = STATUS.format("libc6", "amd64", "1") + STATUS.format("libc6", "i386", "1")
    assert difference(looked(tmp_path / "c", {dpkg: both}), looked(tmp_path / "d", {dpkg: both})).packages.added == ()


def test_files(tmp_path: Path) -> None:
    same = {"same": b"x" * 5000, "usr/far": b"y" * 3_000_000}
    old, new = tree(tmp_path / "a", {**same, "gone": "123", "is": "aa"}), tree(
        tmp_path / "b", {"pad": b"0" * 9, **same, "is": "ab", "d/come": "12345"}
    )  # fmt: skip
    found = files(old, new)
    assert found.paths == (("+", "/d"), ("+", "/d/come"), ("-", "/gone"), ("~", "/is"), ("+", "/pad"))
    assert (found.added, found.added_bytes, found.removed, found.removed_bytes) == (3, 14, 1, 3)
    assert (found.changed, found.changed_bytes) == (1, 2)


@pytest.mark.parametrize(
    "change",
    [{"mode": 0o600}, {"uid": 1}, {"gid": 1}, {"xattrs": ((b"user.a", b"b"),)}],
    ids=lambda change: next(iter(change)),
)
def test_facts_of_a_file_count(tmp_path: Path, change: Mapping[str, object]) -> None:
    old, new = tree(tmp_path / "a", {"f": "x"}), tree(tmp_path / "b", {"f": "x"})
    assert not files(old, new).paths
    new.root.children[b"f"].mtime = 5
    assert not files(old, new).paths
    for name, value in change.items():
        setattr(new.root.children[b"f"], name, value)
    assert files(old, new).paths == (("~", "/f"),)


def test_a_hole_is_as_many_zeros(tmp_path: Path) -> None:
    size = 5 << 20
    holed, full = Body(), Body()
    one = directory({b"f": holed.sparse([(4 << 20, b"end")], size)})
    two = directory({b"f": full.file(bytes(4 << 20) + b"end" + bytes(size - (4 << 20) - 3))})
    old, new = holed.tree(one, tmp_path / "a"), full.tree(two, tmp_path / "b")
    assert not files(old, new).paths
    assert files(old, tree(tmp_path / "c", {"f": b"x" * size})).changed == 1


def test_a_vast_hole_is_not_read(tmp_path: Path) -> None:
    one, two = Body(), Body()
    old = one.tree(directory({b"f": one.sparse([], 1 << 60)}), tmp_path / "a")
    new = two.tree(directory({b"f": two.sparse([(1 << 59, b"x")], 1 << 60)}), tmp_path / "b")
    assert files(old, new).changed == 1
    assert not files(old, replace_body(old, tmp_path / "c")).paths


def replace_body(made: Tree, path: Path) -> Tree:
    path.write_bytes(made.bodies[0].read_bytes())
    return replace(made, bodies=(path,))


@given(roots())
def test_a_tree_is_as_itself(tmp_path_factory: pytest.TempPathFactory, made: tuple[Body, Node]) -> None:
    folder = tmp_path_factory.mktemp("same")
    body, root = made
    found = body.tree(root, folder / "a")
    assert not files(found, replace_body(found, folder / "b")).paths
    for path, node in found.walk():
        if node.kind is Kind.FILE and node.chunks:
            other = replace(found, bodies=(folder / "c",))
            content = bytearray((folder / "a").read_bytes())
            content[node.chunks[0].position] ^= 1
            (folder / "c").write_bytes(content)
            assert ("~", "/" + path.decode(errors="backslashreplace")) in files(found, other).paths
            break
