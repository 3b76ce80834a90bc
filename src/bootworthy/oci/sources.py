"""Images wherever they are, by the names that skopeo gives to places (containers-transports(5))."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bootworthy.host.progress import QUIET, Progress
from bootworthy.oci.image import Image, assemble, load_image
from bootworthy.oci.layout import Layout, select
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.names import DOCKER, kind_of, place
from bootworthy.oci.transfer.remote import Registries
from bootworthy.vocabulary import Architecture

if TYPE_CHECKING:
    from bootworthy.oci.archives import OciArchive


def open_source(
    text: str, store: Store, *, architecture: Architecture | None = None, registries: Registries | None = None,
    progress: Progress = QUIET,
) -> Image:  # fmt: skip
    """The image that a person named: `docker://REF`, which is pulled into the store first, `oci:DIR[:TAG]`,
    `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:TAG]`, or a reference in the store. A folder or file whose own name
    has colons is found too when it is there.

    Raises:
        UsageError: `source.unsupported`, `source.empty`, `reference.bad`, `layout.ambiguous`.
        NotFoundError: the place, the name, the platform or a blob is not there.
        DocumentError: a document in it is malformed.
        IntegrityError: `store.corrupt-blob`.
        NetworkError, CredentialsError, RefusedError: a registry does not give it.
    """  # fmt: skip
    if text.startswith(DOCKER):
        from bootworthy.oci.transfer.pull import pull  # noqa: PLC0415  (slow to import, and few need it)

        reference = Reference.parse(text.removeprefix(DOCKER))
        found = pull(reference, store, registries or Registries(), architecture=architecture, progress=progress)
        return load_image(store, found.descriptor, name=str(reference), architecture=architecture)
    kind, rest = kind_of(text)
    if kind is None:
        return store.image(Reference.parse(text), architecture)
    path, tag = place(rest)
    if kind == "oci":
        return _listed(Layout(path), text, path, tag, architecture)
    from bootworthy.oci.archives import Archive, DockerImage, OciArchive  # noqa: PLC0415  (it brings a reader of tar)

    archive = Archive.open(path)
    if kind == "oci-archive":
        return _listed(OciArchive(archive), text, path, tag, architecture)
    docker = DockerImage.choose(archive, tag)
    return assemble(docker, docker.descriptor, docker.manifest, name=text).require(architecture)


def _listed(
    layout: Layout | OciArchive, text: str, path: Path, tag: str | None, architecture: Architecture | None
) -> Image:
    """One of the images that a layout lists."""
    entry = select(layout.index().manifests, tag, where=str(path))
    return load_image(layout, entry.plain(), name=text, architecture=architecture)
