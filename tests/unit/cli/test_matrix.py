"""`bootworthy matrix`, as a person calls it: days, flat catalogs, and catalogs that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy import catalog as catalogs
from bootworthy.cli.main import run
from tests.printed import said


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "CACHE", "STATE", "CONFIG", "RUNTIME"):
        monkeypatch.setenv(f"BOOTWORTHY_{name}", str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def footnotes(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert run(["matrix", "-c", "liquid-metal", "--format", "markdown", *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line for line in lines if line.startswith("[^") and "promise support" in line]


def test_a_day(capsys: pytest.CaptureFixture[str]) -> None:
    assert footnotes(capsys, "--at", "2022-11-13") == []
    (told,) = {line.partition("guest kernels ")[2] for line in footnotes(capsys, "--at", "2026-09-02", "*/linux-5*")}
    assert told == "6.1, 6.18, and not of 5.10.77"


def test_cells_of_a_day(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "bootworthy.yaml").write_text("""
bootworthy: 1
name: days
systems: {a: {images: {root: "r.example/a:1"}, until: "2020"}, b: {images: {root: "r.example/b:1"}, since: "2021"}}
machines: {m: {vmm: firecracker, arch: x86_64}}
matrix: [{systems: ["*"], kernels: [embedded], machines: [m], support: supported}]
""")
    assert run(["matrix", "--at", "2020-06-01", "--json"]) == 0
    (cell,) = said(capsys)["cells"]
    assert (cell["cell"], cell["images"]) == ("a/embedded/m", {"root": "r.example/a:1"})
    assert run(["matrix", "--json"]) == 0
    assert [each["system"] for each in said(capsys)["cells"]] == ["b"]
    assert run(["matrix", "--at", "2020-06-01", "b"]) == 9
    capsys.readouterr()
    for words, systems in ((["--at", "2020-06-01"], ["a"]), ([], ["a", "b"])):
        assert run(["matrix", "--expand", *words]) == 0
        assert list(catalogs.load_text(capsys.readouterr().out, "flat.yaml").systems) == systems


def test_a_selector_and_expand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["matrix", "-c", "kairos", "--expand", "*-standard/*/rpi*"]) == 0
    flat = catalogs.load_text(capsys.readouterr().out, "flat.yaml")
    assert sorted(flat.machines) == ["rpi3-aarch64", "rpi4-aarch64"]
    assert sorted(flat.systems) == ["alpine-arm-rpi-standard", "opensuse-arm-rpi-standard"]


@pytest.mark.parametrize(
    ("name", "near"), [("kairo", "kairos"), ("builtin:liquidmetal", "liquid-metal"), ("slizer", "slicer")]
)
def test_a_name_that_is_none(name: str, near: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["matrix", "-c", name]) == 9
    assert f"did you mean {near}?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"bootworthy: 2\nname: later\n", "this program reads format 1; a newer one reads 2"),
        (b"a: " + b"[" * 5000, "not valid YAML"),
        (b"bootworthy: 1\na: &a [x, x, x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (98 + n, 98 + n, b", ".join([b"*%c" % (97 + n)] * 9)) for n in range(20)
        ), "aliases expand this document"),
        (b"bootworthy: 1\n# " + b"x" * 50 * 2**20, "the document has more than 1024 KiB"),
    ],
    ids=["another format", "nested", "aliases", "50 MiB"],
)  # fmt: skip
def test_a_catalog_that_is_none_is_one_error(
    home: Path, text: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "bad.yaml").write_bytes(text)
    assert run(["matrix", "-c", "bad.yaml"]) == 3
    err = capsys.readouterr().err
    assert told in err
    assert err.count("bad.yaml:") == 2
    assert len(err) < 1000
