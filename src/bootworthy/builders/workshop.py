"""Where builds happen: the edges a builder needs, and the one way a build is looked up, made and recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.builders.apt import Archive, Package
from bootworthy.builders.record import Recipe, Record, Records, package_differences, why
from bootworthy.errors import DocumentError, IntegrityError, NotFoundError
from bootworthy.host import leases
from bootworthy.host.leases import Lease
from bootworthy.host.locks import locked
from bootworthy.host.progress import QUIET, Progress
from bootworthy.host.settings import Settings
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture, Role

REPOSITORY = "localhost/bootworthy/build"
"""Builds that nobody published have a name here, so that a clean-up of the store keeps them."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The store, the cache and the settings of this machine."""

    store: Store
    cache: Path
    settings: Settings = field(default_factory=Settings)
    progress: Progress = QUIET
    refresh: bool = False
    """Ask mirrors whether they moved, and build again what they moved."""
    lease: Lease = field(init=False, repr=False, compare=False)
    """On what is used of the cache, for as long as somebody has the workshop."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lease", Lease(leases.of_cache(self.cache)))

    @property
    def records(self) -> Records:
        """What was built here."""
        return Records(self.cache / "builds")

    def archive(self, distribution: str, release: str, architecture: Architecture) -> Archive:
        """A distribution's archive, with the mirror that is set for it."""
        return Archive(distribution, release, architecture, self.settings.mirrors.get(distribution))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a builder hands over."""

    images: Mapping[Role, Descriptor]
    packages: tuple[Package, ...] = ()
    made_with: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A build, found or made."""

    subject: str
    key: str
    images: Mapping[Role, Descriptor]
    packages: tuple[Package, ...]
    reasons: tuple[str, ...]
    """Why it was made just now; empty when it was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Something that can be built: its recipe, how to make it, and how to ask its mirror what it offers now."""

    recipe: Recipe
    make: Callable[[], Made]
    offered: Callable[[], tuple[Package, ...]] | None = None

    def reasons(self, workshop: Workshop) -> tuple[str, ...]:
        """Why it has to be made; empty when it need not."""
        record = workshop.records.find(self.recipe.key)
        if record is None:
            return tuple(why(self.recipe, workshop.records.newest(self.recipe))) or ("its build record is gone",)
        lost = [role for role, descriptor in _images(workshop, record).items() if descriptor is None]
        if lost:
            return tuple(f"its {role} image is not whole in the store" for role in lost)
        if workshop.refresh and self.offered is not None:
            with workshop.progress.task(f"asking the mirror: {self.recipe.subject}"):
                return tuple(package_differences(record.packages, self.offered()))
        return ()

    def obtain(self, workshop: Workshop) -> Built:
        """Find it, or make it once, however many ask at the same time."""
        with locked(workshop.cache / "builds" / f"{self.recipe.key}.lock", timeout=3600.0):
            reasons = self.reasons(workshop)
            if reasons:
                workshop.progress.note(f"building {self.recipe.subject}: {'; '.join(reasons[:3])}")
                record = self._keep(workshop, self.make())
            else:
                found = workshop.records.find(self.recipe.key)
                assert found is not None
                record = found
            images = {role: found for role, found in _images(workshop, record).items() if found is not None}
        return Built(
            subject=self.recipe.subject, key=self.recipe.key, images=images, packages=record.packages, reasons=reasons
        )

    def _keep(self, workshop: Workshop, made: Made) -> Record:
        record = Record(
            subject=self.recipe.subject, recipe=self.recipe.document, packages=made.packages,
            images={role.value: descriptor.digest for role, descriptor in made.images.items()},
            made_with=made.made_with,
        )  # fmt: skip
        for role, descriptor in made.images.items():
            workshop.store.tag(Reference.parse(f"{REPOSITORY}:{self.recipe.key[:32]}-{role}"), descriptor)
        workshop.records.put(self.recipe, record)
        return record


def _images(workshop: Workshop, record: Record) -> dict[Role, Descriptor | None]:
    """The images of a record as the store has them; None for one that is not whole."""
    found: dict[Role, Descriptor | None] = {}
    for role, digest in record.images.items():
        reference = Reference.parse(REPOSITORY).at(digest)
        try:
            descriptor = workshop.store.resolve(reference)
        except (NotFoundError, IntegrityError, DocumentError):
            found[Role(role)] = None
            continue
        found[Role(role)] = None if workshop.store.missing(descriptor) else descriptor
    return found
