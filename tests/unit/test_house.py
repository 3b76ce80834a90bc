"""The rules of the house, held by the tools that know them."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "bootworthy"
MODULES = sorted(SOURCE.rglob("*.py"))


def check_with(*argv: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name(argv[0]), *argv[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    check_with("ruff", "check", "src", "tests")


def test_everything_is_formatted() -> None:
    check_with("ruff", "format", "--check", "src", "tests")


def test_types_are_strict() -> None:
    check_with("mypy")


def test_rooms_import_only_from_above() -> None:
    check_with("lint-imports")


def test_every_room_is_in_the_contract_and_in_the_map() -> None:
    rooms = {path.parent.name for path in SOURCE.glob("*/__init__.py")}
    map_ = (ROOT / "ARCHITECTURE.md").read_text()
    assert {room for room in rooms if f"`{room}/`" not in map_} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_modules_are_short_and_processes_have_one_door(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 80, node.name
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not (path.parent.name != "host" and "subprocess" in names), "host/processes.py is the one door"


def test_the_core_install_stays_small() -> None:
    wanted = {"bootworthy"}
    seen: set[str] = set()
    while wanted - seen:
        name = (wanted - seen).pop()
        seen.add(name)
        for requirement in importlib.metadata.requires(name) or ():
            if "extra ==" not in requirement and not ("python_version" in requirement and not _applies(requirement)):
                wanted.add(re.match(r"[A-Za-z0-9._-]+", requirement)[0].lower().replace("_", "-"))  # type: ignore[index]
    assert len(seen - {"bootworthy"}) <= 15, sorted(seen)


def _applies(requirement: str) -> bool:
    from packaging.requirements import Requirement

    marker = Requirement(requirement).marker
    return marker is None or marker.evaluate()


def test_everything_that_is_installed_is_pinned_with_hashes() -> None:
    for name in ("constraints.txt", "constraints-dev.txt"):
        pins = re.split(r"\n(?=[a-z])", (ROOT / name).read_text().strip())
        assert len(pins) > 10
        assert all(re.match(r"[a-z0-9._-]+==\S+", pin) and "--hash=sha256:" in pin for pin in pins), name
