from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bootworthy.cli.app import APP
from bootworthy.cli.main import run
from bootworthy.cli.output import wants_json
from bootworthy.host import processes

BAD = """\
bootworthy: 1
name: example
systems:
  debian-12: {title: Debian 12, init: systemd, bootstrp: {release: bookworm}}
kernels: {}
machines:
  vm: {vmm: firecraker, arch: x86_64}
matrix: []
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verbs() -> list[str]:
    import click

    return APP.list_commands(click.Context(APP))


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_helps_and_is_listed(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: bootworthy {verb}")
    assert run(["--help"]) == 0
    assert f"  {verb} " in capsys.readouterr().out


def test_a_misspelt_verb_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prov"]) == 2
    assert "Did you mean 'prove'?" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_our_name(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_BOOTWORTHY_COMPLETE" in capsys.readouterr().out


def test_a_wrong_catalog_shows_every_mistake(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "bad.yaml").write_text(BAD)
    assert run(["matrix", "-c", "bad.yaml"]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert "bad.yaml:4:48" in told.err
    assert "did you mean bootstrap?" in told.err
    assert "did you mean firecracker?" in told.err
    assert "3 problems" in told.err


def test_errors_are_json_for_those_who_asked_for_json(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "bad.yaml").write_text(BAD)
    assert run(["matrix", "-c", "bad.yaml", "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    codes = [problem["code"] for problem in error["problems"]]
    assert codes == ["catalog.unknown-key", "catalog.dangling", "catalog.value"]


def test_a_bad_result_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["matrix", "--json", "--require", "healthy"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["schema"] == "bootworthy.matrix/1"
    assert "matrix.falls-short" not in told.out
    assert told.err.startswith("error: ")


def test_an_empty_state_shows_what_is_declared(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["matrix", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "bootworthy.matrix/1"
    assert {cell["standing"] for cell in document["cells"]} == {"declared"}
    assert run(["matrix", "--require", "healthy"]) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["matrix", "nonesuch"], 9, "debian"),
        (["matrix", "--format", "htm"], 9, "html"),
        (["matrix", "-c", "nonesuch"], 9, "nonesuch"),
        (["inspect", "localhost/x:y"], 9, "no image"),
        (["inspect", "UPPER/x y"], 2, "not the name of an image"),
        (["inspect", "oci:/nonexistent"], 9, "/nonexistent"),
        (["convert", "localhost/x:y", "-o", "z", "--size", "10Q"], 2, "10Q"),
        (["prove", "--root", "localhost/x:y"], 2, "--machine"),
        (["prove", "--root", "localhost/x:y", "--machine", "vm"], 2, "qemu-microvm-x86_64"),
        (["prove", "debian-12", "--root", "localhost/x:y"], 2, "not both"),
        (["evidence", "--console"], 9, "prove"),
        (["evidence", "merge"], 2, "merge"),
        (["evidence", "merge", "/nonexistent"], 9, "/nonexistent"),
        (["evidence", "sha256:00"], 9, "sha256:00"),
    ],
)
def test_mistakes_get_a_sentence_and_a_status(
    arguments: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == status
    assert says in capsys.readouterr().err


def test_a_bug_of_ours_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("bootworthy.cli.session.Session.begin", broken)
    with pytest.raises(SystemExit) as left:
        run(["images"])
    assert left.value.code == 70
    assert "a bug of ours: ZeroDivisionError: oh" in capsys.readouterr().err
    with pytest.raises(ZeroDivisionError):
        run(["--debug", "images"])


def test_ctrl_c_leaves_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bootworthy.cli.session.Session.begin", interrupted)
    assert run(["images"]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "json_"),
    [
        ([], False),
        (["--json"], True),
        (["x", "--format", "json"], True),
        (["--format=json"], True),
        (["--format"], False),
    ],
)
def test_who_wants_json(arguments: list[str], json_: bool) -> None:
    assert wants_json(arguments) is json_


def test_the_version_is_shown_without_loading_what_it_does_not_need() -> None:
    program = (
        "import sys\n"
        "from bootworthy.cli.main import run\n"
        "run(['--version'])\n"
        "print(sorted({'pydantic', 'ruamel', 'isal', 'multiprocessing'} & set(sys.modules)))\n"
    )
    done = processes.run([sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)})
    assert done.text.splitlines()[1] == "[]"
