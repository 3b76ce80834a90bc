"""The built-in cells, from a mirror to a proven matrix: real builds, real boots, and what is said of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import bootworthy
from tests.command import Command
from tests.conftest import QEMU

BUILTIN = Path(bootworthy.__file__).with_name("catalog") / "builtin" / "bootworthy.yaml"
NAMES = {"debian-12/debian-6.1": "12", "debian-13/debian-6.12": "13"}


def matrix(home: Command, *words: str, status: int = 0, **env: str) -> dict[str, dict[str, Any]]:
    """The cells of `matrix --json`, by name."""
    done = home.under(**env)("matrix", "--json", *words, status=status)
    text = done.text if status == 0 else done.text[: done.text.index('\n{\n  "error"')]
    return {each["cell"]: each for each in json.loads(text)["cells"]}


@pytest.mark.parametrize("cell", QEMU)
def test_both_are_healthy(proved: dict[str, dict[str, Any]], cell: str) -> None:
    found = proved[cell]["evidence"]
    guest = found["guest"]
    assert (found["verdict"], found["reasons"]) == ("healthy", [])
    assert (guest["state"], guest["failed_units"], guest["init"]) == ("running", [], "systemd")
    assert guest["os_release"]["VERSION_ID"] == NAMES[cell.rpartition("/")[0]]
    assert guest["module"]["outcome"] == "loaded"
    assert {"/", "/etc", "/var", "/tmp", "/run"} <= set(guest["root"]["writable"])
    assert all(device["carrier"] and device["addresses"] for device in guest["network"])
    assert found["again"] == f"bootworthy prove {cell}"
    times = found["times"]
    assert 0 < times["kernel"] < times["userspace"] < times["healthy"]


def test_the_matrix_for_programs(home: Command, proved: dict[str, dict[str, Any]]) -> None:
    cells = matrix(home)
    assert len(cells) == 6
    for name in QEMU:
        cell, proof = cells[name], proved[name]
        assert cell["standing"] == "healthy"
        assert set(cell["digests"]) == set(cell["images"]) == {"root", "kernel", "modules", "initrd"}
        assert cell["digests"] == proof["evidence"]["digests"]["images"]
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in cell["digests"].values())
        seen = cell["evidence"]
        assert seen["digest"] == proof["digest"]
        assert seen["vmm"]["name"] == "qemu-microvm"
        assert re.fullmatch(r"\d+(\.\d+)+", seen["vmm"]["version"])
        assert seen["host"]["accelerator"] in {"kvm", "tcg"}
        assert set(seen["times"]) == {"kernel", "userspace", "healthy"}
        assert cell["attempts"]["healthy"] >= 1


def test_a_cell_for_another_vmm_is_not_raised(home: Command, proved: dict[str, dict[str, Any]]) -> None:
    """It was checked, and QEMU's boot is shown beside it."""
    others = ("debian-12/*/firecracker-*", "debian-12/*/cloud-*")
    assert "none of these can be launched from here" in home.fails(7, "prove", *others)
    cells = {name: each for name, each in matrix(home).items() if name not in QEMU}
    standing = {name: each["standing"] for name, each in cells.items()}
    assert {one for name, one in standing.items() if name.startswith("debian-12/")} == {"checked"}
    assert {one for name, one in standing.items() if name.startswith("debian-13/")} <= {"declared", "checked"}
    assert all(each["evidence"] is None and each["attempts"]["total"] == 0 for each in cells.values())
    table = home("matrix", COLUMNS="140").text
    assert table.count("healthy in qemu-microvm") == 4


def test_the_gate(home: Command, proved: dict[str, dict[str, Any]]) -> None:
    home("matrix", "--require", "healthy", *QEMU)
    said = home.fails(1, "matrix", "--require", "healthy")
    assert "4 supported cells are not healthy" in said
    assert "debian-12/debian-6.1/firecracker-x86_64 is checked" in said


def test_a_second_proof_builds_nothing(home: Command, proved: dict[str, dict[str, Any]]) -> None:
    before = matrix(home)[QEMU[0]]["attempts"]
    done = home("prove", QEMU[0])
    steps = done.stderr.decode()
    assert not re.search(r"^(building|bootstrapping|fetching|unpacking|writing)", steps, re.MULTILINE), steps
    after = matrix(home)[QEMU[0]]["attempts"]
    assert after == {"healthy": before["healthy"] + 1, "total": before["total"] + 1}


def test_nothing_is_built_again_when_the_mirror_did_not_move(home: Command, built: dict[str, Any]) -> None:
    again = home("build", QEMU[0], "--refresh", "--json", timeout=900)
    if json.loads(again.text)["cells"][0]["reasons"]:  # the mirror did move, since a home that was kept was built
        again = home("build", QEMU[0], "--refresh", "--json")
    assert "asking the mirror: system debian-12" in again.stderr.decode()
    assert "building" not in again.stderr.decode()
    cell = json.loads(again.text)["cells"][0]
    assert cell["reasons"] == []
    assert json.loads(home("build", QEMU[0], "--json").text)["cells"][0] == cell


def test_why(home: Command, built: dict[str, Any], tmp_path: Path) -> None:
    same = json.loads(home("build", *QEMU, "--why", "--json").text)["cells"]
    assert [each["reasons"] for each in same] == [[], []]
    catalog = tmp_path / "bootworthy.yaml"
    text = BUILTIN.read_text()
    catalog.write_text(text.replace("openssh-server, systemd-resolved]", "openssh-server, systemd-resolved, nginx]", 1))
    changed = json.loads(home("build", *QEMU, "-c", str(catalog), "--why", "--json").text)["cells"]
    assert len(changed[0]["reasons"]) == 1
    assert changed[0]["reasons"][0].startswith("system debian-12: inputs.packages: ")
    assert '"nginx"' in changed[0]["reasons"][0].partition("->")[2]
    assert changed[1]["reasons"] == []


def test_a_person_at_the_console(home: Command, built: dict[str, Any]) -> None:
    done = home("boot", QEMU[0], data=b"uname -r\nfindmnt -no SOURCE,FSTYPE /\npoweroff\n", timeout=200)
    shown = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]|\r", "", done.text)
    assert re.search(r"# uname -r\n6\.1\.\S+-cloud-amd64\n", shown)
    assert "/dev/vda ext4" in shown
    assert "reboot: Power down" in shown


def test_evidence_from_another_machine(home: Command, proved: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Merged, it counts there as it does here; merged twice, it counts once."""
    mine = home.under(BOOTWORTHY_STATE=str(tmp_path / "state"))
    assert matrix(mine)[QEMU[0]]["standing"] == "checked"
    first = json.loads(mine("evidence", "merge", str(home.state), "--json").text)["merged"][0]
    assert first["added"] >= 2
    assert first["known"] == 0
    again = json.loads(mine("evidence", "merge", str(home.state), "--json").text)["merged"][0]
    assert (again["added"], again["known"]) == (0, first["added"])
    assert {name: matrix(mine)[name]["evidence"]["digest"] for name in QEMU} == {
        name: matrix(home)[name]["evidence"]["digest"] for name in QEMU
    }
    assert b"Linux version 6.1." in mine("evidence", QEMU[0], "--console").stdout


def test_a_reader_without_the_images(home: Command, proved: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """What is not here makes nothing stale."""
    reader = Command.at(tmp_path / "home")
    reader("evidence", "merge", str(home.state))
    cells = matrix(reader)
    assert {cells[name]["standing"] for name in QEMU} == {"healthy"}


def test_a_standing_turns_stale(home: Command, proved: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    catalog = tmp_path / "bootworthy.yaml"
    text = BUILTIN.read_text()
    machine = "{vmm: qemu-microvm, arch: x86_64"
    assert machine in text
    catalog.write_text(text.replace(machine, f"{machine}, memory: 2GiB"))
    cells = matrix(home, "-c", str(catalog))
    assert {cells[name]["standing"] for name in QEMU} == {"stale"}
    said = home.fails(1, "matrix", "--require", "healthy", "-c", str(catalog), *QEMU)
    assert "is stale" in said
    catalog.write_text(text + "# a comment, which reaches no image and no plan\n")
    assert {matrix(home, "-c", str(catalog))[name]["standing"] for name in QEMU} == {"healthy"}
