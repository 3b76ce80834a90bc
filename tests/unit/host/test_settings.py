from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.errors import DocumentError
from bootworthy.host.settings import RegistrySettings, Settings

WRITTEN = '[registries]\ninsecure = ["registry.lan:5000", "[fd00::1]:80", "bare"]\nca = "own.pem"\n'


def test_how_registries_are_spoken_to_is_a_setting(tmp_path: Path) -> None:
    assert Settings.load(tmp_path, {}).registries == RegistrySettings()
    (tmp_path / "settings.toml").write_text(WRITTEN)
    found = Settings.load(tmp_path, {}).registries
    assert found.insecure == ("registry.lan:5000", "[fd00::1]:80", "bare")
    assert found.ca == tmp_path / "own.pem"
    (tmp_path / "settings.toml").write_text('[registries]\nca = "/etc/own.pem"\n')
    assert Settings.load(tmp_path, {}).registries == RegistrySettings(ca=Path("/etc/own.pem"))


def test_variables_go_before_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(WRITTEN)
    environ = {"BOOTWORTHY_REGISTRIES_INSECURE": "a.lan:1, b.lan", "BOOTWORTHY_REGISTRIES_CA": "/other.pem"}
    assert Settings.load(tmp_path, environ).registries == RegistrySettings(("a.lan:1", "b.lan"), Path("/other.pem"))
    assert Settings.load(tmp_path, {"BOOTWORTHY_REGISTRIES_INSECURE": ""}).registries.insecure == ()


def test_where_images_are_fetched_from_instead(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(
        '[registries.mirrors]\n"registry.example" = "mirror.lan:5000/a/b"\n"other.example:1" = "[fd00::1]:80"\n'
    )
    written = {"registry.example": "mirror.lan:5000/a/b", "other.example:1": "[fd00::1]:80"}
    assert Settings.load(tmp_path, {}).registries.mirrors == written
    environ = {"BOOTWORTHY_REGISTRIES_MIRRORS": "registry.example=127.0.0.1:5000, b.example=c.example/d"}
    assert Settings.load(tmp_path, environ).registries.mirrors == {
        "registry.example": "127.0.0.1:5000", "b.example": "c.example/d",
    }  # fmt: skip
    assert Settings.load(tmp_path, {"BOOTWORTHY_REGISTRIES_MIRRORS": ""}).registries.mirrors == {}


@pytest.mark.parametrize(
    "pair", ["a.example", "a.example=", "=b.example", "a/b=c", "a.example=http://b", "a=b/C", "a=b/"]
)
def test_a_mirror_that_is_none(tmp_path: Path, pair: str) -> None:
    with pytest.raises(DocumentError) as caught:
        Settings.load(tmp_path, {"BOOTWORTHY_REGISTRIES_MIRRORS": f"{pair},good.example=also.example"})
    (problem,) = caught.value.problems
    assert (problem.where, "is no mirror" in problem.message) == ("BOOTWORTHY_REGISTRIES_MIRRORS", True)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("registries = 5", ["registries"]),
        ('[registries]\ninsecure = "a"', ["registries.insecure"]),
        ('[registries]\ninsecure = ["http://a", 5, "a/b", "", "a:b"]', ["registries.insecure"] * 5),
        ("[registries]\nca = 5\nmirror = ''", ["registries.mirror", "registries.ca"]),
        ("[registries]\nmirrors = 5", ["registries.mirrors"]),
        ("[registries.mirrors]\na = 5\n'b/c' = 'd'\ne = 'f'", ["registries.mirrors.a", "registries.mirrors.b/c"]),
        ("[registry]\n[mirrors]\nx = 5", ["registry", "mirrors.x"]),
    ],
)
def test_every_mistake_is_said_at_once(tmp_path: Path, text: str, paths: list[str]) -> None:
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(DocumentError) as caught:
        Settings.load(tmp_path, {})
    assert [problem.path for problem in caught.value.problems] == paths


def test_a_variable_that_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentError) as caught:
        Settings.load(tmp_path, {"BOOTWORTHY_REGISTRIES_INSECURE": "a.lan:5000 https://b.lan"})
    (problem,) = caught.value.problems
    assert (problem.where, "https://b.lan" in problem.message) == ("BOOTWORTHY_REGISTRIES_INSECURE", True)
