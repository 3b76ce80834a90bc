"""The verb `evidence` with what others recorded, as a person calls it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from bootworthy.cli.main import run
from bootworthy.proofs.evidence import EvidenceStore
from tests.reports import evidence


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_folders_are_merged_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(2):
        EvidenceStore(home / f"machine-{number}").put(evidence(number), b"console")
    assert run(["evidence", "merge", "machine-0", "machine-1"]) == 0
    assert capsys.readouterr().out == "machine-0: 1 added, 0 known already\nmachine-1: 1 added, 0 known already\n"
    assert run(["evidence", "merge", "machine-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": "bootworthy.evidence-merge/1", "merged": [{"folder": "machine-1", "added": 0, "known": 1}],
    }  # fmt: skip
    assert run(["evidence", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["evidence"]) == 2


def test_a_file_that_is_not_its_name_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EvidenceStore(home / "good").put(evidence(0), b"console")
    bad = EvidenceStore(home / "bad")
    for number in range(2):
        path = bad.path(bad.put(evidence(number), b"console").digest)
        path.write_bytes(b"{}")
    assert run(["evidence", "merge", "good", "bad"]) == 6
    told = capsys.readouterr().err
    assert "2 files cannot be used, and nothing was merged" in told
    assert f"bad/evidence/{path.name}" in told
    assert not (home / "state").exists()


def test_words_of_others_write_nothing_else_to_a_terminal(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = EvidenceStore(home / "state")
    store.put(evidence(cell="a\x1b]0;evil\x07b", vmm__version="1\n2\x1b[2J"), b"one\x1b[2J\r\n\x07two\x9b31m\n")
    assert run(["evidence"]) == 0
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert len(told.splitlines()) == 2
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert run(["evidence", "--console"]) == 0
    assert terminal.getvalue().splitlines() == ["one", "two\ufffd31m"]


def test_a_console_that_goes_to_a_file_is_what_the_guest_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    EvidenceStore(home / "state").put(evidence(), b"\x1b[1mbold\x1b[0m\n")
    assert run(["evidence", "--console"]) == 0
    assert capsys.readouterr().out == "\x1b[1mbold\x1b[0m\n"
