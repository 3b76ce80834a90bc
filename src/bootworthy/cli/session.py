"""What verbs share: this machine's folders, store and settings, opened when a verb begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bootworthy.host import leases
from bootworthy.host.leases import Lease
from bootworthy.host.paths import Paths
from bootworthy.host.progress import QUIET, Progress
from bootworthy.host.settings import Settings
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.remote import Registries

if TYPE_CHECKING:
    from bootworthy.builders.workshop import Workshop
    from bootworthy.catalog.entries import Catalog, Cell


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

    def lease(self) -> Lease:
        """What is used of the cache without a workshop; it holds as long as a `with` block, or the object."""
        return Lease(leases.of_cache(self.paths.cache))

    def workshop(self, progress: Progress = QUIET, *, refresh: bool = False) -> Workshop:
        """Where builds happen."""
        from bootworthy.builders.workshop import Workshop  # noqa: PLC0415  (slow to import, and not all build)

        return Workshop(self.store, self.paths.cache, self.settings, progress, refresh)

    def registries(self, progress: Progress = QUIET, *, catalog: str | None = None) -> Registries:
        """The registries of the world; what a catalog lists for reference only is not fetched."""

        def permit(reference: Reference) -> None:
            from bootworthy.catalog import access  # noqa: PLC0415  (slow to import, and few fetch)

            access.check(reference, catalog, Path.cwd())

        return Registries(self.settings.registries, progress, permit)


def open_catalog(name: str | None) -> Catalog:
    """The catalog that `-c` names, or the one of this folder, or the built-in one; held by its lock file.

    Raises:
        DocumentError, NotFoundError, HostError: it, or its lock file, cannot be used.
    """
    from bootworthy import catalog as catalogs  # noqa: PLC0415  (slow to import, and not all read one)
    from bootworthy.catalog import pins  # noqa: PLC0415

    opened = catalogs.load(name, Path.cwd())
    return replace(opened, pins=pins.load(lock_file(opened), opened.name))


def lock_file(catalog: Catalog) -> Path:
    """Where the lock file of a catalog is, or would be."""
    from bootworthy.catalog import pins  # noqa: PLC0415  (as above)

    return pins.path_for(catalog.source, catalog.folder, Path.cwd())


def chosen(catalog: Catalog, selectors: Sequence[str]) -> tuple[Cell, ...]:
    """The cells that selectors name; all of them when there are none.

    Raises:
        NotFoundError: a selector matches nothing.
    """
    from bootworthy.catalog.selection import select  # noqa: PLC0415  (as above)

    return select(catalog.cells, selectors) if selectors else catalog.cells
