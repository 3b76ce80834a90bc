"""Base configurations: what a kernel is configured with before any profile is asked; ours by name, or somebody's file.

Ours are in `configs/`: `NAME.config` for every architecture, `NAME-ARCHITECTURE.config` for one. They are short, and
what they do not name is off. In a file of somebody's, it is what Kconfig says when nobody says anything.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bootworthy.errors import BuildError, NotFoundError
from bootworthy.kernels.config import Config
from bootworthy.vocabulary import Architecture

_SUFFIX = ".config"
_NAME = re.compile(r"[a-z0-9_-]+")
_LARGEST = 1 << 20
_VALUED = re.compile(r"CONFIG_(\w+)=(?![ymn]\s*$).+")


@dataclass(frozen=True, slots=True)
class Base:
    """A configuration to begin with."""

    name: str
    """As it was asked for."""
    text: str
    config: Config
    ours: bool

    @classmethod
    def parse(cls, name: str, text: str, *, ours: bool, where: str) -> Self:
        """Read one.

        Raises:
            BuildError: `kernel.config`, with the line.
        """
        return cls(name, text, Config.parse(text, where=where), ours)

    @property
    def target(self) -> str:
        """The target of `make` that decides what the configuration does not name."""
        return "allnoconfig" if self.ours else "alldefconfig"

    def valued(self) -> Mapping[str, str]:
        """The lines of symbols that are neither y, m nor n, by symbol, as they are written; the last one counts."""
        return {match[1]: match[0] for match in map(_VALUED.fullmatch, self.text.splitlines()) if match}


def is_name(text: str) -> bool:
    """Whether this is the name of one of ours rather than a path."""
    return _NAME.fullmatch(text) is not None


def known() -> tuple[str, ...]:
    """The names of ours, sorted."""
    stems = {file.name.removesuffix(_SUFFIX) for file in _folder().iterdir() if file.name.endswith(_SUFFIX)}
    return tuple(sorted(stem for stem in stems if not stem.endswith(tuple(Architecture))))


@functools.cache
def load(name: str, architecture: Architecture) -> Base:
    """One of ours, for an architecture.

    Raises:
        NotFoundError: `kernel.unknown-config`, with the nearest name.
    """
    if name not in known():
        near = difflib.get_close_matches(name, known(), 1)
        raise NotFoundError(
            "kernel.unknown-config", f"no configuration of ours is called {name!r}",
            hint=f"did you mean {near[0]}?" if near else f"known: {', '.join(known())}; a file is ./{name}.config",
        )  # fmt: skip
    files = [_folder() / f"{stem}{_SUFFIX}" for stem in (name, f"{name}-{architecture}")]
    text = "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())
    return Base.parse(name, text, ours=True, where=name)


def read(name: str, folder: Path) -> Base:
    """A file, by its path below a folder.

    Raises:
        NotFoundError: `kernel.no-config`.
        BuildError: `kernel.config`, with the line.
    """
    path = folder / name
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST + 1)
    except OSError as error:
        raise NotFoundError(
            "kernel.no-config", f"this kernel configuration cannot be read: {error.strerror}", where=str(path),
            hint="name a file beside the catalog, or microvm for the configuration of ours",
        ) from error  # fmt: skip
    if len(data) > _LARGEST:
        raise BuildError("kernel.config", "this is too much for a kernel configuration", where=str(path))
    return Base.parse(name, data.decode(errors="replace"), ours=False, where=str(path))


def _folder() -> importlib.resources.abc.Traversable:
    return importlib.resources.files("bootworthy.kernels") / "configs"
