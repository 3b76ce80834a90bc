"""A root that none of our builders made: debootstrap, then buildah. What a person would do who never heard of us."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bootworthy.host import processes
from tests.command import Command
from tests.conftest import QEMU
from tests.needs import need, need_root

MACHINE = "qemu-microvm-x86_64"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """`oci:DIR:TAG` of such a root."""
    need("debootstrap", "buildah")
    need_root("debootstrap asks for it")
    folder = tmp_path_factory.mktemp("foreign")
    root = folder / "root"
    mirror = [os.environ[name] for name in ("BOOTWORTHY_MIRROR_DEBIAN",) if name in os.environ]
    processes.run(["debootstrap", "bookworm", root, *mirror], timeout=400)
    places = ["--root", str(folder / "storage"), "--runroot", str(folder / "run")]
    buildah = ["buildah", "--storage-driver", "vfs", *places]
    container = processes.run([*buildah, "from", "scratch"]).text.strip()
    processes.run([*buildah, "add", "--quiet", container, root, "/"])
    reference = f"oci:{folder / 'image'}:foreign"
    processes.run([*buildah, "commit", "--quiet", "--format", "oci", "--rm", container, reference])
    return reference


@pytest.fixture(scope="module")
def named(image: str, built: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """The arguments that name it, with a kernel and modules of ours."""
    images = built[QEMU[0]]["images"]
    return ("--root", image, "--kernel", images["kernel"], "--modules", images["modules"], "--machine", MACHINE)


def test_it_is_checked(home: Command, named: tuple[str, ...], tmp_path: Path) -> None:
    """debootstrap leaves a machine id, which every machine would share, and lists of packages: it may boot."""
    done = home("check", *named, "--json", cwd=tmp_path)
    (result,) = json.loads(done.text)["checked"]
    assert {(finding["id"], finding["severity"]) for finding in result["findings"]} == {
        ("identity.machine-id", "warning"), ("weight.package-cache", "note"),
    }  # fmt: skip


def test_it_is_healthy_without_a_catalog(home: Command, named: tuple[str, ...], tmp_path: Path) -> None:
    done = home("prove", *named, "--json", cwd=tmp_path)
    (proof,) = json.loads(done.text)["proofs"]
    evidence = proof["evidence"]
    assert (evidence["verdict"], evidence["reasons"], evidence["cell"]) == ("healthy", [], None)
    assert set(evidence["digests"]["images"]) == {"root", "kernel", "modules", "initrd"}
    assert evidence["guest"]["os_release"]["VERSION_CODENAME"] == "bookworm"
    assert evidence["guest"]["module"]["outcome"] == "loaded"
    assert [device["carrier"] for device in evidence["guest"]["network"]] == [True]
