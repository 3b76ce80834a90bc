"""The kernel that is compiled from Debian's source, booted: no initial RAM disk, and healthy.

It is compiled once a machine, in a home that outlives test runs; `tests/compiled_kernels.py` says where.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bootworthy.builders.kernel_images import PROFILES_LABEL
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests import compiled_kernels
from tests.command import Command
from tests.needs import need

CATALOG = ("-c", "builtin:from-source")
CELL = "debian-12/bootworthy-6.1/qemu-microvm-x86_64"
ASKED = {"microvm", "firecracker", "cloud-hypervisor", "systemd", "containers"}


@pytest.fixture(scope="module")
def compiled() -> Command:
    """The home with the images of the cell."""
    need("qemu-system-x86_64", "mmdebstrap")
    compiled_kernels.need_compilers(Architecture.X86_64)
    home = compiled_kernels.kept()
    (cell,) = json.loads(home("build", CELL, *CATALOG, "--json", timeout=7200).text)["cells"]
    if cell["reasons"]:  # what it replaced would stay for ever
        home("gc")
    return home


@pytest.fixture(scope="module")
def proof(compiled: Command, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The cell, booted; nothing of it stays in the home."""
    home = compiled.under(BOOTWORTHY_STATE=str(tmp_path_factory.mktemp("state")))
    (proved,) = json.loads(home("prove", CELL, *CATALOG, "--json", timeout=900).text)["proofs"]
    found: dict[str, Any] = proved["evidence"]
    return found


def test_it_is_healthy_without_an_initial_ram_disk(proof: dict[str, Any]) -> None:
    assert (proof["verdict"], proof["reasons"]) == ("healthy", [])
    assert set(proof["digests"]["images"]) == {"root", "kernel", "modules"}
    guest = proof["guest"]
    assert (guest["state"], guest["failed_units"], guest["init"]) == ("running", [], "systemd")
    assert guest["module"]["outcome"] == "loaded"
    assert all(device["carrier"] and device["addresses"] for device in guest["network"])


def test_what_it_was_asked_for_is_what_it_is(compiled: Command) -> None:
    store = Store(compiled.store)
    image = store.image(Reference.parse("localhost/bootworthy/debian-12:bootworthy-6.1-kernel"), Architecture.X86_64)
    assert set(image.config.labels[PROFILES_LABEL].split(",")) >= ASKED


def test_it_is_not_compiled_again(compiled: Command, tmp_path: Path) -> None:
    (cell,) = json.loads(compiled("build", CELL, *CATALOG, "--why", "--json").text)["cells"]
    assert cell["reasons"] == []
    text = compiled("build", CELL, *CATALOG).stderr.decode()
    assert "compiling" not in text


def test_a_changed_profile_says_why(compiled: Command, tmp_path: Path) -> None:
    from bootworthy import catalog

    builtin = Path(catalog.__file__).with_name("builtin") / "from-source.yaml"
    own = tmp_path / "bootworthy.yaml"
    own.write_text(builtin.read_text().replace("systemd, containers]", "systemd, containers, wireguard]"))
    (cell,) = json.loads(compiled("build", CELL, "-c", str(own), "--why", "--json").text)["cells"]
    (reason,) = cell["reasons"]
    assert reason.startswith("kernel bootworthy-6.1: inputs.profiles.wireguard: (nothing) -> {")
    assert '"WIREGUARD": "m' in reason
