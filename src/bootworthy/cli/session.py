"""What verbs share: this machine's folders, store and settings, opened when a verb begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootworthy import catalog as catalogs
from bootworthy.builders.workshop import Workshop
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.host.paths import Paths
from bootworthy.host.progress import QUIET, Progress
from bootworthy.host.settings import Settings
from bootworthy.oci.store import Store


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the program on this machine."""

    paths: Paths
    settings: Settings

    @classmethod
    def begin(cls) -> Session:
        """Read where things are.

        Raises:
            DocumentError: the settings are wrong.
        """
        paths = Paths.of()
        return cls(paths, Settings.load(paths.config))

    @property
    def store(self) -> Store:
        """The image store."""
        return Store(self.paths.store)

    def workshop(self, progress: Progress = QUIET, *, refresh: bool = False) -> Workshop:
        """Where builds happen."""
        return Workshop(self.store, self.paths.cache, self.settings, progress, refresh)


def open_catalog(name: str | None) -> Catalog:
    """The catalog that `-c` names, or the one of this folder, or the built-in one.

    Raises:
        DocumentError, NotFoundError: it cannot be used.
    """
    return catalogs.load(name, Path.cwd())


def chosen(catalog: Catalog, selectors: Sequence[str]) -> tuple[Cell, ...]:
    """The cells that selectors name; all of them when there are none.

    Raises:
        NotFoundError: a selector matches nothing.
    """
    return catalogs.select(catalog.cells, selectors) if selectors else catalog.cells
