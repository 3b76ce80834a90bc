"""What verbs share: this machine's folders, store and settings, opened when a verb begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bootworthy import catalog as catalogs
from bootworthy.builders.workshop import Workshop
from bootworthy.catalog import access, pins
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.host.paths import Paths
from bootworthy.host.progress import QUIET, Progress
from bootworthy.host.settings import Settings
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.remote import Registries


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

    def registries(self, progress: Progress = QUIET, *, catalog: str | None = None) -> Registries:
        """The registries of the world; what a catalog lists for reference only is not fetched."""
        return Registries(
            self.settings.registries, progress, lambda reference: access.check(reference, catalog, Path.cwd())
        )


def open_catalog(name: str | None) -> Catalog:
    """The catalog that `-c` names, or the one of this folder, or the built-in one; held by its lock file.

    Raises:
        DocumentError, NotFoundError, HostError: it, or its lock file, cannot be used.
    """
    opened = catalogs.load(name, Path.cwd())
    return replace(opened, pins=pins.load(lock_file(opened), opened.name))


def lock_file(catalog: Catalog) -> Path:
    """Where the lock file of a catalog is, or would be."""
    return pins.path_for(catalog.source, catalog.folder, Path.cwd())


def chosen(catalog: Catalog, selectors: Sequence[str]) -> tuple[Cell, ...]:
    """The cells that selectors name; all of them when there are none.

    Raises:
        NotFoundError: a selector matches nothing.
    """
    return catalogs.select(catalog.cells, selectors) if selectors else catalog.cells
