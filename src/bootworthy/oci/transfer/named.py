"""Places that people name: where an image is, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from bootworthy.errors import UsageError
from bootworthy.host.progress import QUIET, Progress
from bootworthy.oci.archives import Archive, DockerImage, OciArchive
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.layout import Layout, canonical_name, names_of, select
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.archive import ArchiveWriter, DockerArchivePlace, OciArchivePlace
from bootworthy.oci.transfer.copy import PARALLEL, Report, called, copy
from bootworthy.oci.transfer.local import LayoutPlace, StorePlace
from bootworthy.oci.transfer.names import DOCKER, kind_of, place
from bootworthy.oci.transfer.places import Destination, Source
from bootworthy.oci.transfer.plan import Platforms
from bootworthy.oci.transfer.remote import Registries


@dataclass(frozen=True, slots=True)
class From:
    """An image at a place."""

    place: Source
    reference: str
    """What it is called there."""
    full: str | None
    """What it is called wherever it is."""

    def resolve(self) -> Descriptor:
        """The image's outermost document.

        Raises:
            BootworthyError: as `Source.resolve`.
        """
        return self.place.resolve(self.reference)


def source(text: str, store: Store, registries: Registries) -> From:
    """Where an image is.

    Raises:
        UsageError: `source.unsupported`, `source.empty`, `reference.bad`.
        RefusedError: it may not be fetched.
        NotFoundError: the file or folder, or an image of that name in it, is not there.
        DocumentError: a document in it is malformed.
    """
    if text.startswith(DOCKER):
        reference = Reference.parse(text.removeprefix(DOCKER))
        return From(registries.source(reference), reference.digest or reference.tag or "latest", str(reference))
    kind, rest = kind_of(text)
    if kind is None:
        reference = Reference.parse(text)
        return From(StorePlace(store), str(reference), str(reference))
    path, tag = place(rest)
    if kind == "oci":
        layout = Layout(path)
        return From(LayoutPlace(path), tag or "", _full(select(layout.index().manifests, tag, where=str(path))))
    archive = Archive.open(path)
    if kind == "oci-archive":
        entry = select(OciArchive(archive).index().manifests, tag, where=str(path))
        return From(OciArchivePlace(path, archive), tag or "", _full(entry))
    docker = DockerArchivePlace(path, DockerImage.choose(archive, tag))
    return From(docker, tag or "", str(Reference.parse(tag)) if tag else None)


def transfer(
    origin: From, to: str, store: Store, registries: Registries, *, progress: Progress = QUIET,
    parallel: int = PARALLEL, platforms: Platforms | None = None,
) -> Report:  # fmt: skip
    """Copy an image to the place that a person names; a layout or an archive without a name gets the image's own.

    Raises:
        UsageError: `destination.unsupported`, `destination.digest`, `source.empty`, `reference.bad`, and as `copy`.
        BootworthyError: as `copy`.
    """

    def go(destination: Destination, *names: str) -> Report:
        with called(origin.full or f"{origin.place.name}:{origin.reference}"):
            return copy(origin.place, destination, origin.resolve(), names, progress, parallel, platforms)

    if to.startswith(DOCKER):
        reference = _tagged(to.removeprefix(DOCKER), to)
        assert reference.tag is not None
        return go(registries.place(reference), reference.tag)
    kind, rest = kind_of(to)
    if kind is None:
        return go(StorePlace(store), str(_tagged(to, to)))
    if kind == "docker-archive":
        raise UsageError(
            "destination.unsupported", "images are not written as docker-archive:, which has no digests", where=to,
            hint="write oci-archive:FILE, which docker load reads too",
        )  # fmt: skip
    path, tag = place(rest)
    names = [tag or origin.full or ""]
    if kind == "oci":
        return go(LayoutPlace(path), *filter(None, names))
    with ArchiveWriter(path) as archive:
        return go(archive, *filter(None, names))


def _full(entry: Descriptor) -> str | None:
    """The name of a layout's entry that says what the image is called wherever it is."""
    return next((name for name in names_of(entry) if "/" in name and name == canonical_name(name)), None)


def _tagged(text: str, where: str) -> Reference:
    reference = Reference.parse(text)
    if reference.tag is None or reference.digest is not None:
        raise UsageError(
            "destination.digest", "an image is not put under a digest: it has its own", where=where,
            hint=f"name a tag: {reference.name}:TAG",
        )  # fmt: skip
    return reference
