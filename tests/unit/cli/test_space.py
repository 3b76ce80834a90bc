"""unpack, clone, gc, rm and images --disk, as a person calls them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootworthy.builders.workshop import REPOSITORY
from bootworthy.cli.main import run
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from tests.oci_images import put_small
from tests.printed import said

IMAGE = "localhost/small:1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "data/store")
    image = put_small(store)
    store.tag(Reference.parse(IMAGE), image)
    store.tag(Reference.parse(f"{REPOSITORY}:{'a' * 32}-root"), image)
    store.tag(Reference.parse("localhost/other:1"), put_small(store, "other\n"))
    return tmp_path


def test_unpack(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["unpack", IMAGE, "out", "--plain"]) == 0
    told = capsys.readouterr()
    assert told.out == "out: 3 names, 6 B\n"
    assert "not kept: owners; recorded in out.owners.json" in told.err
    assert (home / "out/etc/motd").read_text() == "hello\n"
    assert run(["unpack", IMAGE, "out", "etc/mot?"]) == 2
    assert "--force" in capsys.readouterr().err
    assert run(["unpack", IMAGE, "out", "etc/mot?", "--force", "--json"]) == 0
    assert said(capsys)["names"] == 3
    assert run(["unpack", IMAGE, "more", "etc/modt"]) == 9
    assert "there is: /etc/motd" in capsys.readouterr().err


def test_unpack_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["unpack", IMAGE, "-", "etc/motd"]) == 0
    assert capfdbinary.readouterr().out == b"hello\n"
    assert run(["unpack", IMAGE, "-"]) == 2
    assert run(["unpack", IMAGE, "-", "etc"]) == 2


def test_clone(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "volume").write_bytes(bytes(1 << 20))
    assert run(["clone", "volume", "-o", "vm.qcow2", "--size", "1G", "--json"]) == 0
    document = said(capsys)
    assert (document["way"], document["format"], document["size"]) == ("overlay", "qcow2", 1 << 30)
    assert document["backing"] == str(home / "volume")
    assert run(["clone", "volume", "-o", "vm.raw", "--for", "firecracker"]) == 0
    assert (home / "vm.raw").read_bytes() == (home / "volume").read_bytes()
    assert run(["clone", "volume", "-o", "more.qcow2", "--for", "firecracker"]) == 2
    assert run(["clone", "volume", "-o", "vm.raw"]) == 2
    assert run(["clone", "nothing", "-o", "vm"]) == 9


def test_rm_and_gc(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rm", "localhost/small:1", "localhost/smal:1"]) == 9
    assert "localhost/small:1" in capsys.readouterr().err
    assert len(Store(home / "data/store").images()) == 3
    assert run(["rm", IMAGE]) == 0
    assert capsys.readouterr().out == f"removed {IMAGE}\nremoved {REPOSITORY}:{'a' * 32}-root\n"
    assert run(["gc"]) == 0
    told = capsys.readouterr().out
    assert "3 blobs stay because they are young" in told
    assert "0 B freed" in told
    assert run(["gc", "--grace", "0", "--dry-run", "--json"]) == 0
    document = said(capsys)
    assert document["kinds"] == {"blobs": {"count": 3, "size": document["freed"]}}
    assert run(["gc", "--grace", "0"]) == 0
    assert "blobs" in capsys.readouterr().out
    assert run(["images", "--all", "--json"]) == 0
    assert "localhost/other:1" in capsys.readouterr().out
    assert len(list((home / "data/store/blobs/sha256").iterdir())) == 3


def test_gc_drops_the_names_of_builds_without_a_record(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["gc", "--grace", "0"]) == 0
    told = capsys.readouterr().out
    assert f"dropped {REPOSITORY}:{'a' * 32}-root" in told
    assert "0 B freed" in told
    assert run(["inspect", IMAGE]) == 0


def test_who_uses_the_disk(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["images", "--disk"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("IMAGE")
    assert [line.split()[0] for line in lines[1:]] == ["localhost/small:1", "localhost/other:1", "all,"]
    assert run(["images", "--disk", "--json"]) == 0
    document = said(capsys)
    assert document["schema"] == "bootworthy.disk/1"
    run(["rm", "localhost/other:1"])
    capsys.readouterr()
    run(["images", "--disk"])
    assert "of blobs are of no image that has a name" in capsys.readouterr().out


def test_an_empty_machine(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BOOTWORTHY_DATA", str(home / "none"))
    assert run(["gc"]) == 0
    assert run(["images", "--disk"]) == 0
    assert run(["rm", IMAGE]) == 9
    assert not os.path.exists(home / "none")
