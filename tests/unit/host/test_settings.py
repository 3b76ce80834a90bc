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


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("registries = 5", ["registries"]),
        ('[registries]\ninsecure = "a"', ["registries.insecure"]),
        ('[registries]\ninsecure = ["http://a", 5, "a/b", "", "a:b"]', ["registries.insecure"] * 5),
        ("[registries]\nca = 5\nmirror = ''", ["registries.mirror", "registries.ca"]),
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
