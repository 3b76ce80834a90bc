"""Cells that a lock file holds: the images it names are used, whatever their references or recipes make today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootworthy.builders.apt import Package
from bootworthy.builders.record import package_differences
from bootworthy.builders.workshop import Build, Built, Workshop
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.catalog.identity import images_entry_digest
from bootworthy.catalog.pins import Pin, PinnedCell, Pins
from bootworthy.errors import BuildError, IntegrityError, NotFoundError, RefusedError
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Held:
    """What a lock holds one cell to."""

    name: str
    pins: Pins
    cell: PinnedCell

    def image(self, store: Store, role: str) -> Descriptor:
        """A published image.

        Raises:
            NotFoundError: `lock.not-here`.
        """
        name = _exact(self._pin(role))
        try:
            return store.resolve(name)
        except NotFoundError as error:
            raise NotFoundError(
                "lock.not-here", f"{self.name} is locked to {name}, which is not in the store", where=self.pins.where,
                hint=f"bootworthy pull --locked {self.name}",
            ) from error  # fmt: skip

    def images(self, store: Store, roles: Sequence[Role]) -> Mapping[Role, Descriptor] | None:
        """What a build made; None when not all of it is in the store."""
        found = {role: _whole(store, self._pin(role)) for role in roles}
        whole = {role: each for role, each in found.items() if each is not None}
        return whole if len(whole) == len(found) else None

    def build(self, workshop: Workshop, roles: Sequence[Role], build: Build, *drawn: Build) -> Built:
        """Make it again, from the packages that the lock names, and hold it to what they made.

        `drawn` are builds that it makes on its way.

        Raises:
            BuildError: `lock.package-gone`.
            IntegrityError: `lock.other-image`.
        """
        recipe = build.recipe
        for each in (build, *drawn):
            self._require_packages(workshop, each)
        built = build.obtain(workshop)
        for role in roles:
            pin = self._pin(role)
            if built.images[role].digest != pin.digest:
                raise IntegrityError(
                    "lock.other-image", f"{recipe.subject} was built again and is another image than the lock names: "
                    f"{built.images[role].digest}, not {pin.digest}", where=self.pins.where,
                    hint=f"bootworthy pull --locked {self.name}, or lock what is here: bootworthy lock {self.name}",
                )  # fmt: skip
        return built

    def _require_packages(self, workshop: Workshop, build: Build) -> None:
        recipe = build.recipe
        pinned = self.pins.builds.get(subject(recipe.subject, recipe.architecture))
        if pinned is None or build.offered is None:
            return
        record = workshop.records.find(recipe.key)
        wanted = tuple(map(Package.from_json, pinned.packages))
        if record is not None and record.packages == wanted and not build.reasons(workshop):
            return  # it is found, not made
        with workshop.progress.task(f"asking the mirror: {recipe.subject}"):
            gone = package_differences(wanted, build.offered())
        if gone:
            raise self._gone(recipe.subject, gone)

    def _pin(self, role: str) -> Pin:
        if role not in self.cell.images:
            raise RefusedError(
                "lock.differs", f"{self.name} is locked without a {role} image, and needs one", where=self.pins.where,
                hint=f"bootworthy lock {self.name}",
            )  # fmt: skip
        return self.cell.images[role]

    def _gone(self, subject_: str, gone: Sequence[str]) -> BuildError:
        more = f", and {len(gone) - 8} more" if len(gone) > 8 else ""
        return BuildError(
            "lock.package-gone", f"the mirror no longer has what {subject_} is locked to: {'; '.join(gone[:8])}{more}",
            where=self.pins.where,
            hint=f"fetch what was published (bootworthy pull --locked {self.name}), set a mirror that keeps old "
            f"packages, or build without the lock file and run bootworthy lock {self.name}",
        )  # fmt: skip


def of(catalog: Catalog, cell: Cell) -> Held | None:
    """What holds a cell; None when nothing does.

    Raises:
        RefusedError: `lock.differs`, the catalog changed since.
    """
    found = catalog.pins.cells.get(cell.name)
    if found is None:
        return None
    if found.entry != images_entry_digest(cell):
        raise RefusedError(
            "lock.differs", f"the catalog says something else of {cell.name} than when it was locked",
            where=catalog.pins.where, hint=f"bootworthy lock {cell.name}",
        )  # fmt: skip
    return Held(cell.name, catalog.pins, found)


def subject(name: str, architecture: str) -> str:
    """What a lock file calls a build."""
    return f"{name} {architecture}"


def _whole(store: Store, pin: Pin) -> Descriptor | None:
    try:
        found = store.resolve(_exact(pin))
    except NotFoundError:
        return None
    return None if store.missing(found) else found


def _exact(pin: Pin) -> Reference:
    return Reference.parse(pin.reference).at(pin.digest)
