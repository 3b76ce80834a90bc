from __future__ import annotations

from pathlib import Path

from bootworthy.builders import base
from bootworthy.layers.node import Kind, Node, Tree
from tests.trees import Body, directory

UNITS = (
    b"systemd-networkd.service", b"systemd-networkd.socket", b"systemd-network-generator.service",
    b"systemd-networkd-wait-online.service", b"systemd-resolved.service",
)  # fmt: skip


def root(tmp_path: Path, *, merged: bool = True, resolved: bool = True) -> Tree:
    body = Body()
    programs = {name: body.file(b"x", 0o755) for name in (b"systemd", b"systemd-networkd")}
    if resolved:
        programs[b"systemd-resolved"] = body.file(b"x", 0o755)
    units = {unit: body.file(b"[Unit]") for unit in UNITS}
    lib = directory({b"systemd": directory({**programs, b"system": directory(units)})})
    children = {b"usr": directory({b"lib": lib}), b"lib": Node(Kind.SYMLINK, 0o777, target=b"usr/lib")}
    if not merged:
        children = {b"usr": directory({b"lib": directory()}), b"lib": lib}
    return body.tree(directory(children), tmp_path / "body")


def by_path(tree: Tree) -> dict[str, base.File]:
    return {file.path: file for file in base.plan(tree)}


def test_every_link_leads_to_a_file(tmp_path: Path) -> None:
    for merged in (True, False):
        tree = root(tmp_path, merged=merged)
        files = by_path(tree)
        for path, file in files.items():
            if not file.target or path == "etc/resolv.conf":
                continue
            ours = f"etc/systemd/system/{Path(file.target).name}"
            assert ours in files or tree.find(file.target.encode()) is not None, (path, file.target)


def test_a_machine_makes_its_identity_itself(tmp_path: Path) -> None:
    files = by_path(root(tmp_path))
    assert files["etc/machine-id"].data == b""
    assert "etc/systemd/system/multi-user.target.wants/bootworthy-ssh-keys.service" in files
    assert not any("ssh_host" in path for path in files)


def test_the_resolver_is_systemds_where_the_root_has_it(tmp_path: Path) -> None:
    assert by_path(root(tmp_path))["etc/resolv.conf"].target.startswith("/run/systemd/resolve/")
    assert by_path(root(tmp_path, resolved=False))["etc/resolv.conf"].target == ""


def test_scripts_can_be_executed_and_are_sorted(tmp_path: Path) -> None:
    files = base.plan(root(tmp_path))
    assert [file.path for file in files] == sorted(file.path for file in files)
    scripts = [file for file in files if file.data.startswith(b"#!")]
    assert scripts
    assert all(file.mode == 0o755 for file in scripts)


def test_a_root_without_systemd_gets_nothing(tmp_path: Path) -> None:
    assert base.plan(Body().tree(directory(), tmp_path / "body")) == ()
