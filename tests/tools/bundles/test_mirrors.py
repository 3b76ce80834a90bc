"""Locks of what was really built, and the mirrors it was built from."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from tests.command import Command
from tests.conftest import QEMU
from tests.faults import branch
from tests.registry import docker_registry

CELL = QEMU[0]


def lock(home: Command, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    home("lock", CELL, cwd=folder)
    return folder / "bootworthy.lock"


def older(path: Path, name: str) -> str:
    """Let a lock name a version of a package that no mirror has; returns the version it had."""
    text = path.read_text()
    line = re.search(rf'.*"name": "{name}".*"version": "([^"]+)".*', text)
    assert line is not None
    path.write_text(text.replace(line[0], line[0].replace(line[1], "0~none")))
    return line[1]


def test_what_was_built_is_locked_with_its_packages(home: Command, built: dict[str, Any], tmp_path: Path) -> None:
    document = json.loads(lock(home, tmp_path).read_bytes())
    cell = document["cells"][CELL]
    assert {role: pin["digest"] for role, pin in cell["images"].items()} == built[CELL]["digests"]
    assert re.fullmatch(r"6\.1\.\S+-cloud-amd64", cell["kernel-release"])
    packages = {name: {each["name"] for each in build["packages"]} for name, build in document["builds"].items()}
    assert {"systemd", "libc6", "openssh-server"} <= packages["system debian-12 x86_64"]
    assert any(name.startswith("linux-image-6.1") for name in packages["kernel debian-6.1 x86_64"])
    assert packages["busybox x86_64"] == {"busybox-static"}
    assert "up to date" in home("build", CELL, cwd=tmp_path).text


def test_a_mirror_that_no_longer_has_a_package(home: Command, built: dict[str, Any], tmp_path: Path) -> None:
    path = lock(home, tmp_path / "catalog")
    version = older(path, "adduser")
    done = home("lock", "--check", CELL, "--mirrors", "--json", cwd=path.parent, status=1)
    found = json.loads(done.text)["differences"]
    assert {
        "kind": "packages", "subject": "system debian-12 x86_64", "message": f"package adduser: 0~none -> {version}",
    } in found  # fmt: skip
    empty = Command.at(tmp_path / "home")
    said = empty("build", CELL, cwd=path.parent, status=11).stderr.decode()
    assert "package adduser: 0~none" in said
    assert "building" not in said
    assert not (empty.store / "index.json").exists()
    assert "up to date" in home("build", CELL, cwd=path.parent).text  # where the locked image is, nobody asks


def test_what_is_locked_is_fetched_where_it_was_pushed(
    home: Command, built: dict[str, Any], tmp_path: Path
) -> None:  # fmt: skip
    """One machine builds, locks and pushes; another has the lock file alone, and builds nothing."""
    with docker_registry(tmp_path / "registry") as registry:
        folder = tmp_path / "catalog"
        folder.mkdir()
        text = (resources.files("bootworthy.catalog") / "builtin/bootworthy.yaml").read_text()
        (folder / "bootworthy.yaml").write_text(text.replace("localhost/bootworthy", f"{registry.host}/os"))
        first = branch(home, tmp_path / "first")
        bundle = json.loads(first("build", CELL, "--json", cwd=folder).text)["bundles"][0]["reference"]
        path = lock(first, folder)
        first("push", bundle)
        assert "nothing differs" in first("lock", "--check", CELL, cwd=folder).text
        other = Command.at(tmp_path / "other")
        other("pull", "--locked", CELL, cwd=folder)
        (cell,) = json.loads(other("build", CELL, "--json", cwd=folder).text)["cells"]
        assert (cell["digests"], cell["reasons"]) == (built[CELL]["digests"], [])
        assert not (other.cache / "builds").exists()
        digest = other("inspect", bundle, "--brief", "--json", cwd=folder)
        assert json.loads(digest.text)["digest"] == built[CELL]["digests"]["root"]
        # Somebody pushes another bundle under the name that moves.
        second = branch(home, tmp_path / "second")
        name = json.loads(path.read_bytes())["cells"][CELL]["images"]["kernel"]["reference"]
        second("copy", f"docker://{name}", f"docker://{bundle}")
        (moved,) = json.loads(other("lock", "--check", CELL, "--json", cwd=folder, status=1).text)["differences"]
        assert (moved["kind"], moved["subject"]) == ("moved", bundle)
        assert "root" in moved["message"]
        assert "kernel" not in moved["message"]
