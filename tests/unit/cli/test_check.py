"""`bootworthy check`, as a person calls it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bootworthy.checks import rule
from bootworthy.cli.main import run
from bootworthy.oci.store import Store
from tests import check_trees as make
from tests.check_trees import File
from tests.printed import said
from tests.tree_images import put_tree

ROOT, KERNEL, BARE = "localhost/os:1", "localhost/os:1-kernel", "localhost/bare:1"
GOOD = ["check", "--root", ROOT, "--kernel", KERNEL, "--vmm", "qemu-microvm", "--arch", "x86_64"]
BAD = ["check", "--root", BARE, "--kernel", KERNEL, "--vmm", "qemu-microvm", "--arch", "x86_64"]


RULES = {each.id: each for family in rule.known().values() for each in family.rules}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    found = Store(tmp_path / "data/store")
    put_tree(found, make.root(), name=ROOT)
    put_tree(found, make.kernel(), name=KERNEL)
    put_tree(found, {"etc/machine-id": File(b"0123456789abcdef0123456789abcdef\n")}, name=BARE)
    return found


def errors_of(capsys: pytest.CaptureFixture[str], command: list[str]) -> Any:
    assert run([*command, "--json"]) == 1
    (checked,) = said(capsys)["checked"]
    return checked


def test_what_would_boot(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(GOOD) == 0
    out, _ = capsys.readouterr()
    assert out == f"{ROOT} on qemu-microvm-x86_64: nothing stands in its way\n"


def test_what_would_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(BAD) == 1
    out, err = capsys.readouterr()
    assert out.startswith("error: There is no init in the root [init.missing]\n")
    assert re.search(rf"^  {BARE}@sha256:[0-9a-f]{{64}}: /sbin/init$", out, re.MULTILINE)
    assert out.endswith(f"{BARE} on qemu-microvm-x86_64: would not boot (1 error, 1 warning)\n")
    assert err.endswith("error: 1 of 1 refused\n  hint: do what stands above as remedy\n")


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    checked = errors_of(capsys, BAD)
    assert (checked["vmm"], checked["architecture"], checked["refused"]) == ("qemu-microvm", "x86_64", True)
    assert set(checked["images"]) == {"root", "kernel"}
    assert re.fullmatch(rf"{BARE}@sha256:[0-9a-f]{{64}}", checked["images"]["root"])
    assert [each["id"] for each in checked["findings"]] == ["init.missing", "identity.machine-id"]


def test_formats_for_a_ci(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*BAD, "--format", "sarif"]) == 1
    assert {each["ruleId"] for each in said(capsys)["runs"][0]["results"]} == {"init.missing", "identity.machine-id"}
    assert run([*BAD, "--format", "junit"]) == 1
    out, err = capsys.readouterr()
    assert len(ET.fromstring(out).findall(".//failure")) == 1
    assert "this would not boot: /sbin/init is not in the image [init.missing]" in err
    assert f"  hint: {RULES['init.missing'].remedy}\n" in err


def test_a_format_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*GOOD, "--format", "xml"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "has no format 'xml'" in err


def test_strict(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    put_tree(store, make.root() | {"etc/machine-id": File(b"0123456789abcdef0123456789abcdef\n")}, name=ROOT)
    assert run(GOOD) == 0
    capsys.readouterr()
    assert run([*GOOD, "--strict"]) == 1
    out, err = capsys.readouterr()
    assert out.endswith("has warnings (1 warning)\n")
    assert "error: 1 of 1 refused\n" in err


def test_another_command_line_and_another_day(capsys: pytest.CaptureFixture[str]) -> None:
    checked = errors_of(capsys, [*GOOD, "--cmdline", "console=ttyS0 root=/dev/vdb"])
    assert [each["id"] for each in checked["findings"]] == ["cmdline.root-missing"]
    assert run([*GOOD, "--at", "2030-01-31", "--json"]) == 0
    assert said(capsys)["at"] == "2030-01-31"
    assert run([*GOOD, "--at", "2030-02-31"]) == 2


def test_a_misspelt_image_is_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--root", "localhost/so:1", "--vmm", "qemu-microvm", "--arch", "x86_64"]) == 9
    assert capsys.readouterr().out == ""


def test_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    every = RULES.values()
    assert run(["check", "--rules"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {each.id}: {each.severity}: {each.title}\n" in shown for each in every)
    assert run(["check", "--rules", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "bootworthy.check-rules/1"
    assert [each["id"] for each in document["rules"]] == [each.id for each in every]
    assert set(document["rules"][0]) == {"family", "id", "severity", "title", "why", "remedy", "source"}
    assert run(["check", "--rules", "--format", "junit"]) == 2
