import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootworthy.errors import HostError, InternalError
from bootworthy.host import registry


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "bwroom"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A room."""\n')
    (folder / "second_one.py").write_text("THING = 'second'\n")
    (folder / "first.py").write_text("THING = 'first'\n")
    (folder / "shared.py").write_text("OTHER = 1\n")
    (folder / "_private.py").write_text("raise RuntimeError('must not be imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "bwroom"]:
        del sys.modules[name]
    registry._scan.cache_clear()


def plugin(folder: Path, line: str) -> None:
    """A distribution that only has entry points, as an installed package has them."""
    info = folder.parent / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[bootworthy.bwroom]\n{line}\n")
    importlib.invalidate_caches()


def test_modules_with_the_attribute_are_entries_by_their_name(room: Path) -> None:
    assert registry.scan("bwroom", "THING", str) == {"first": "first", "second-one": "second"}
    assert list(registry.scan("bwroom", "THING")) == ["first", "second-one"]


def test_third_parties_come_by_entry_point(room: Path) -> None:
    (room.parent / "their_module.py").write_text("THING = 'theirs'\n")
    plugin(room, "third = their_module:THING")
    assert registry.scan("bwroom", "THING", str)["third"] == "theirs"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("third = no_such_module:THING", "plugin.broken"),
        ("first = bwroom.first:THING", "plugin.duplicate"),
        ("third = bwroom.shared:OTHER", "plugin.broken"),
    ],
)
def test_a_broken_plugin_is_named(room: Path, line: str, code: str) -> None:
    plugin(room, line)
    with pytest.raises(HostError) as caught:
        registry.scan("bwroom", "THING", str)
    assert caught.value.code == code
    assert "theirs" in (caught.value.where or "")


def test_an_entry_of_ours_of_another_kind_is_our_bug(room: Path) -> None:
    with pytest.raises(InternalError, match="first"):
        registry.scan("bwroom", "THING", int)


def test_one_entry_of_ours_is_found_without_the_others(room: Path) -> None:
    (room / "third.py").write_text("raise RuntimeError('must not be imported')\n")
    plugin(room, "broken = no_such_module:THING")
    assert registry.find("bwroom", "THING", "first") == "first"
    assert registry.find("bwroom", "THING", "second-one") == "second"


@pytest.mark.parametrize("name", ["second_one", "shared", "_private", "no-such", "first.py", ""])
def test_what_is_no_entry_is_not_found(room: Path, name: str) -> None:
    assert registry.find("bwroom", "THING", name) is None


def test_an_entry_of_a_third_party_is_found(room: Path) -> None:
    (room.parent / "other_module.py").write_text("THING = 'theirs'\n")
    plugin(room, "shared = other_module:THING")
    assert registry.find("bwroom", "THING", "shared") == "theirs"
