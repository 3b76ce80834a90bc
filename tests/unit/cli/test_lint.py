"""`bootworthy lint`, as a person calls it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from bootworthy.cli.main import run
from bootworthy.oci.store import Store
from tests import check_trees, lint_cases
from tests.check_trees import File
from tests.printed import said
from tests.registry import Registry
from tests.tree_images import put_tree

AT = ("--at", "2026-01-01")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.json").write_text(json.dumps(lint_cases.spec()))
    (tmp_path / "sub").mkdir()
    bad = lint_cases.changed(lint_cases.template(), ("spec/template/spec/networkInterfaces/0/type", "macvtap"))
    (tmp_path / "sub/bad.yaml").write_text(json.dumps(bad, indent=1) + "\n")
    (tmp_path / "sub/bad.yaml").chmod(0o640)
    (tmp_path / "sub/.hidden.yaml").write_text("a: [")
    (tmp_path / "notes.txt").write_text("a: [")
    return tmp_path


def test_a_folder_is_looked_through(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", ".", *AT]) == 1
    out, err = capsys.readouterr()
    assert "sub/bad.yaml:31:15: error: an interface has the type macvtap on Firecracker [LM-010]\n" in out
    assert out.endswith("2 files, 2 microVMs: 1 error; --fix mends 1\n")
    assert "error: there is something to mend" in err


def test_good_is_good(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "good.json", *AT, "--strict"]) == 0
    assert capsys.readouterr().out == "1 file, 1 microVM: nothing is wrong\n"


def test_fix_writes_and_keeps_the_mode(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "sub/bad.yaml"
    before = path.read_text()
    assert run(["lint", str(path), "--fix", *AT]) == 0
    assert path.read_text() == before.replace("macvtap", "tap")
    assert path.stat().st_mode & 0o777 == 0o640
    assert capsys.readouterr().out.endswith("nothing is wrong; 1 fixed\n")
    stamp = path.stat().st_mtime_ns
    assert run(["lint", str(path), "--fix", *AT]) == 0
    assert path.stat().st_mtime_ns == stamp


def test_json_and_sarif_have_places(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "sub", "--json", *AT]) == 1
    (file,) = said(capsys)["files"]
    (finding,) = file["findings"]
    assert [finding[key] for key in ("id", "line", "column", "end-line", "end-column", "fixable")] == [
        "LM-010", 31, 15, 31, 24, True,
    ]  # fmt: skip
    assert run(["lint", "sub", "--format", "sarif", *AT]) == 1
    (found,) = said(capsys)["runs"][0]["results"]
    (place,) = found["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 31, "startColumn": 15, "endLine": 31, "endColumn": 24}
    (change,) = found["fixes"][0]["artifactChanges"][0]["replacements"]
    at = change["deletedRegion"]["charOffset"]
    assert (folder / "sub/bad.yaml").read_text()[at : at + change["deletedRegion"]["charLength"]] == '"macvtap"'


def test_versions_are_asked_about(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "sub", *AT, "--for", "flintlock=0.6.0"]) == 0
    assert run(["lint", "good.json", *AT, "--for", "flintlock=0.4.0"]) == 1
    assert run(["lint", "good.json", "--for", "flintlok=1"]) == 2
    assert "did you mean flintlock?" in capsys.readouterr().err
    assert run(["lint", "good.json", "--for", "flintlock=new"]) == 2


def test_all_that_cannot_be_read_is_told_and_the_rest_is_linted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "one.yaml").write_text("a: [")
    (folder / "two.json").write_bytes(b"\xff")
    assert run(["lint", ".", *AT]) == 3
    out, err = capsys.readouterr()
    assert "LM-010" in out
    assert "one.yaml:1:5" in err
    assert "two.json:1:1: byte 0xff is not UTF-8 [lint.encoding]" in err


def test_standard_input_no_file_and_nothing_to_look_at(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a: 1")))
    assert run(["lint", "-"]) == 0
    assert "<stdin>: no microVM is described here" in capsys.readouterr().out
    assert run(["lint", "absent.yaml"]) == 9
    assert run(["lint"]) == 2


def test_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--rules"]) == 0
    assert (
        "LM-010: error: Firecracker has no macvtap interfaces (flintlock >=0.7.0) [--fix]\n" in capsys.readouterr().out
    )
    assert run(["lint", "--rules", "--json"]) == 0
    assert {rule["id"] for rule in said(capsys)["rules"]} >= set(lint_cases.CASES)


def test_what_is_in_a_document_does_not_reach_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = lint_cases.changed(lint_cases.spec(), ("interfaces/0/device_id", "e\x1b[31m"))
    (folder / "odd.json").write_text(json.dumps(made))
    assert run(["lint", "odd.json", *AT]) == 1
    assert "\x1b" not in capsys.readouterr().out


def _with_images(folder: Path, registry: str) -> None:
    made = lint_cases.changed(
        lint_cases.spec(), ("kernel/image", f"{registry}/a/kernel:1"), ("additional_volumes", lint_cases.REMOVED),
        ("root_volume/source/container_source", f"{registry}/a/root:1"),
    )  # fmt: skip
    (folder / "images.json").write_text(json.dumps(made))


@pytest.fixture
def store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(folder / f".{name.lower()}"))
    monkeypatch.setenv("HOME", str(folder))
    return Store(folder / ".data/store")


def test_images_of_the_store_are_looked_into(folder: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    put_tree(store, check_trees.kernel(), name="localhost/a/kernel:1")
    put_tree(store, {"etc/os-release": File(b"ID=ubuntu\n")}, name="localhost/a/root:1")
    _with_images(folder, "localhost")
    assert run(["lint", "images.json", *AT]) == 0
    assert "LM-025" not in capsys.readouterr().out
    assert run(["lint", "images.json", *AT, "--images"]) == 1
    out = capsys.readouterr().out
    assert "[LM-025]" in out
    assert "localhost/a/root:1@sha256:" in out


def test_images_are_fetched_with_pull(folder: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with Registry() as registry:
        trees: dict[str, dict[str, check_trees.Entry]] = {"kernel": check_trees.kernel(), "root": {"x": File(b"")}}
        for name, entries in trees.items():
            put_tree(store, entries, name=f"localhost/a/{name}:1")
            assert run(["push", f"localhost/a/{name}:1", f"{registry.host}/a/{name}:1"]) == 0
        _with_images(folder, registry.host)
        capsys.readouterr()
        assert run(["lint", "images.json", *AT, "--images"]) == 0
        assert "is not looked into" in capsys.readouterr().out
        assert run(["lint", "images.json", *AT, "--pull"]) == 1
        assert "[LM-025]" in capsys.readouterr().out


def test_a_table_of_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", ".", "--table", *AT]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "where"
    assert [row.split()[0] for row in rows] == ["good.json:1", "sub/bad.yaml:10"]
    assert all(row.endswith("Kubernetes 1.30 since 2025-07-15") for row in rows)
    assert run(["lint", ".", "--table", "--json", *AT]) == 0
    assert [row["kernel"] for row in said(capsys)["rows"]] == [
        f"{lint_cases.OWNER}/kernel-bin:6.1.141{lint_cases.DIGEST}"
    ] * 2
    assert run(["lint", ".", "--table", "--format", "sarif"]) == 2
