"""Settings of this machine: `settings.toml` in the configuration folder; a `BOOTWORTHY_*` variable wins.

[mirrors]
debian = "http://mirror.example/archive"     # or BOOTWORTHY_MIRROR_DEBIAN
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import DocumentError, Problem

_TABLES = ("mirrors",)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person set on this machine."""

    mirrors: Mapping[str, str] = field(default_factory=dict)
    """Distribution name to the address of its mirror; a distribution that is not here uses its tool's own choice."""

    @classmethod
    def load(cls, folder: Path, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `settings.toml` of a folder, if there is one.

        Raises:
            DocumentError: `settings.bad`, with every mistake.
        """
        env = os.environ if environ is None else environ
        path = folder / "settings.toml"
        mirrors = _mirrors(path) if path.is_file() else {}
        prefix = "BOOTWORTHY_MIRROR_"
        own = {name.removeprefix(prefix).lower(): value for name, value in env.items() if name.startswith(prefix)}
        return cls(mirrors={**mirrors, **own})


def _mirrors(path: Path) -> dict[str, str]:
    try:
        document = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad([Problem("settings.syntax", str(error), str(path))]) from error
    problems = [
        Problem("settings.unknown-key", f"unknown table {name!r}", str(path), name, f"known: {', '.join(_TABLES)}")
        for name in document
        if name not in _TABLES
    ]
    mirrors = document.get("mirrors", {})
    for name, value in mirrors.items() if isinstance(mirrors, dict) else [("mirrors", mirrors)]:
        if not isinstance(value, str):
            problems.append(Problem("settings.type", "an address is a string", str(path), f"mirrors.{name}"))
    if problems:
        raise _bad(problems)
    return dict(mirrors)


def _bad(problems: list[Problem]) -> DocumentError:
    return DocumentError("settings.bad", "the settings cannot be used", problems)
