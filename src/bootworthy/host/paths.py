"""The folders we use, by the XDG base directory specification; each can be moved by a `BOOTWORTHY_*` variable."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things are kept. Nothing is created until it is written."""

    store: Path
    """OCI images: an OCI image layout."""
    cache: Path
    """Bodies, volumes, builds: made again when lost."""
    state: Path
    """Evidence and console logs: not made again when lost."""
    runtime: Path
    """Sockets, leases and locks."""
    config: Path
    """Settings."""

    @classmethod
    def of(cls, environ: Mapping[str, str] | None = None) -> Paths:
        """The folders that an environment names."""
        env = os.environ if environ is None else environ
        home = Path(env.get("HOME") or Path.home())

        def place(own: str, xdg: str, fallback: Path) -> Path:
            if env.get(own):
                return Path(env[own]).absolute()
            base = Path(env[xdg]) if env.get(xdg) else fallback
            return base.absolute() / "bootworthy"

        runtime = Path(tempfile.gettempdir()) / f"bootworthy-{os.getuid()}"
        return cls(
            store=_under(env, "BOOTWORTHY_STORE", place("BOOTWORTHY_DATA", "XDG_DATA_HOME", home / ".local/share")),
            cache=place("BOOTWORTHY_CACHE", "XDG_CACHE_HOME", home / ".cache"),
            state=place("BOOTWORTHY_STATE", "XDG_STATE_HOME", home / ".local/state"),
            runtime=place("BOOTWORTHY_RUNTIME", "XDG_RUNTIME_DIR", runtime),
            config=place("BOOTWORTHY_CONFIG", "XDG_CONFIG_HOME", home / ".config"),
        )


def _under(env: Mapping[str, str], own: str, data: Path) -> Path:
    return Path(env[own]).absolute() if env.get(own) else data / "store"
