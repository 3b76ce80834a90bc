from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.errors import DocumentError
from bootworthy.host.paths import Paths
from bootworthy.host.settings import Settings, most_inflated


def test_folders_follow_xdg() -> None:
    paths = Paths.of({"HOME": "/h", "XDG_CACHE_HOME": "/c"})
    assert paths.store == Path("/h/.local/share/bootworthy/store")
    assert paths.cache == Path("/c/bootworthy")
    assert paths.state == Path("/h/.local/state/bootworthy")


def test_our_variables_win() -> None:
    paths = Paths.of({"HOME": "/h", "XDG_CACHE_HOME": "/c", "BOOTWORTHY_CACHE": "/mine", "BOOTWORTHY_DATA": "/data"})
    assert (paths.cache, paths.store) == (Path("/mine"), Path("/data/store"))


def test_a_mirror_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('[mirrors]\ndebian = "http://mirror.example/archive"\n')
    assert Settings.load(tmp_path, {}).mirrors == {"debian": "http://mirror.example/archive"}
    assert Settings.load(tmp_path, {"BOOTWORTHY_MIRROR_DEBIAN": "http://other"}).mirrors == {"debian": "http://other"}


@pytest.mark.parametrize(
    ("text", "size"), [("", 64 << 30), ("4096", 4096), ("1K", 1024), ("300M", 300 << 20), ("2T", 2 << 40)]
)
def test_how_much_a_layer_may_inflate_to_is_a_setting(text: str, size: int) -> None:
    assert most_inflated({"BOOTWORTHY_LAYER_LIMIT": text}) == size
    assert most_inflated({}) == 64 << 30


@pytest.mark.parametrize("text", ["0", "-1", "1.5G", "64 G", "64GB", "much", "9" * 40])
def test_a_limit_that_is_none_is_said_at_once(tmp_path: Path, text: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Settings.load(tmp_path, {"BOOTWORTHY_LAYER_LIMIT": text})
    assert caught.value.problems[0].where == "BOOTWORTHY_LAYER_LIMIT"


@pytest.mark.parametrize("text", ["[mirrors", "[miror]\ndebian = ''", "[mirrors]\ndebian = 5", "mirrors = 3"])
def test_wrong_settings_are_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(DocumentError) as caught:
        Settings.load(tmp_path, {})
    assert caught.value.problems[0].where == str(tmp_path / "settings.toml")
