"""One image of one platform: its documents, and its layers as streams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from bootworthy.errors import NotFoundError
from bootworthy.oci import blobs as blob
from bootworthy.oci.blobs import Blobs
from bootworthy.oci.documents import (
    CONFIGS,
    INDEXES,
    MANIFESTS,
    ROLE,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    parse_document,
)
from bootworthy.oci.fields import document_error
from bootworthy.vocabulary import Architecture


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as it is stored, and the digest of what it holds."""

    descriptor: Descriptor
    diff_id: str
    """Digest of the uncompressed tar."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image whose documents were read and verified; its layers are verified while they are read."""

    name: str
    """What a person calls it."""
    descriptor: Descriptor
    """Of the manifest."""
    manifest: Manifest
    config: ImageConfig
    layers: tuple[Layer, ...]
    """Lowest first."""
    blobs: Blobs = field(repr=False, compare=False)

    @property
    def role(self) -> str | None:
        """What it is for, when it says so: `root`, `root+kernel`."""
        return self.descriptor.role or self.manifest.annotations.get(ROLE)

    def require(self, architecture: Architecture | None) -> Image:
        """The image itself, when it is for that architecture, or any will do.

        Raises:
            NotFoundError: `oci.no-platform`.
        """
        if architecture is not None and not self.config.platform.matches(architecture):
            raise _no_platform(self.name, architecture, [str(self.config.platform)])
        return self

    def open_layer(self, number: int) -> BinaryIO:
        """The compressed bytes of a layer; read them to the end to know that they are right.

        Raises:
            IntegrityError: `store.corrupt-blob`, at the end at the latest.
            NotFoundError: `store.no-blob`.
        """
        where = f"{self.name}, layer {number + 1} of {len(self.layers)}"
        return blob.open_verified(self.blobs, self.layers[number].descriptor, where=where)


def read_document(blobs: Blobs, descriptor: Descriptor) -> Manifest | Index:
    """The manifest or index a descriptor points to.

    Raises:
        IntegrityError: `store.corrupt-blob`.
        NotFoundError: `store.no-blob`.
        DocumentError: `oci.bad-document`, `oci.too-large`, `oci.schema1`.
    """
    raw = blob.read(blobs, descriptor)
    return parse_document(raw, where=_where(blobs, descriptor), media_type=descriptor.media_type)


def load_image(blobs: Blobs, descriptor: Descriptor, *, name: str, architecture: Architecture | None = None) -> Image:
    """The image a descriptor leads to, through an index by platform.

    Without an architecture it is the only image there is, else the one for this machine.

    Raises:
        NotFoundError: `oci.no-platform`, `store.no-blob`.
        IntegrityError: `store.corrupt-blob`.
        DocumentError: `oci.bad-document`, `oci.not-an-image`, `oci.too-large`, `oci.schema1`.
    """
    if descriptor.media_type not in INDEXES:
        return _one(blobs, descriptor, name).require(architecture)
    found = list(_runnable(blobs, descriptor))
    here = [each for each in found if is_here(blobs, each)]
    if architecture is None and len(here) > 1:
        architecture = Architecture.native()
    for candidate in here:
        if architecture is None or _may_run(candidate, architecture):
            image = _one(blobs, candidate, name)
            if architecture is None or image.config.platform.matches(architecture):
                return image
    for candidate in found:
        if candidate not in here and (architecture is None or _may_run(candidate, architecture)):
            raise _not_here(name, candidate, here)
    raise _no_platform(name, architecture, [str(each.platform or "unnamed") for each in found])


def is_here(blobs: Blobs, descriptor: Descriptor) -> bool:
    """Whether a manifest that an index names was fetched; an index may name more than is there."""
    try:
        blobs.locate(descriptor.digest)
    except NotFoundError:
        return False
    return True


def assemble(blobs: Blobs, descriptor: Descriptor, manifest: Manifest, *, name: str) -> Image:
    """The image of a manifest that was read already.

    Raises:
        DocumentError: `oci.not-an-image`, `oci.bad-document`.
        IntegrityError, NotFoundError: the configuration cannot be read.
    """
    where = _where(blobs, manifest.config)
    if manifest.config.media_type not in CONFIGS:
        message = f"its configuration is of type {manifest.config.media_type[:160]!r}, so this is no image of a system"
        raise document_error("oci.not-an-image", "image", where, message)
    config = ImageConfig.parse(blob.read(blobs, manifest.config), where=where)
    if len(config.diff_ids) != len(manifest.layers):
        message = f"{len(config.diff_ids)} diff_ids, but the manifest has {len(manifest.layers)} layers"
        raise document_error("oci.bad-document", "image configuration", where, message, "rootfs.diff_ids")
    layers = tuple(Layer(*pair) for pair in zip(manifest.layers, config.diff_ids, strict=True))
    return Image(name, descriptor, manifest, config, layers, blobs)


def members(blobs: Blobs, descriptor: Descriptor) -> Iterator[Descriptor]:
    """Every manifest below a descriptor, an index's in order, whatever its platform; itself if it is one.

    Raises:
        IntegrityError, NotFoundError, DocumentError: an index cannot be read.
    """
    seen: set[str] = set()
    waiting = [descriptor]
    while waiting:
        found = waiting.pop()
        if found.media_type not in INDEXES:
            yield found
        elif found.digest not in seen:  # met again, an index adds nothing
            seen.add(found.digest)
            document = read_document(blobs, found)
            assert isinstance(document, Index)
            waiting.extend(reversed(document.manifests))


def _runnable(blobs: Blobs, descriptor: Descriptor) -> Iterator[Descriptor]:
    for member in members(blobs, descriptor):
        if member.media_type in MANIFESTS and (member.platform is None or member.platform.known):
            yield member


def _may_run(candidate: Descriptor, architecture: Architecture) -> bool:
    return candidate.platform is None or candidate.platform.matches(architecture)


def _one(blobs: Blobs, descriptor: Descriptor, name: str) -> Image:
    document = read_document(blobs, descriptor)
    assert isinstance(document, Manifest)
    return assemble(blobs, descriptor, document, name=name)


def _where(blobs: Blobs, descriptor: Descriptor) -> str:
    return str(blobs.locate(descriptor.digest).path)


def _no_platform(name: str, architecture: Architecture | None, there: list[str]) -> NotFoundError:
    wanted = f"linux/{architecture.oci}" if architecture else "any platform"
    return NotFoundError(
        "oci.no-platform", f"there is no image for {wanted}", where=name,
        hint=f"there is: {', '.join(sorted(set(there)))}" if there else "there is no image in it at all",
    )  # fmt: skip


def _not_here(name: str, wanted: Descriptor, here: list[Descriptor]) -> NotFoundError:
    there = ", ".join(sorted({str(each.platform) for each in here})) or "nothing of it"
    return NotFoundError(
        "oci.not-fetched",
        f"its index names an image for {wanted.platform or 'an unnamed platform'}, which is not here",
        where=name,
        hint=f"here is: {there}; fetch the other (bootworthy pull --arch A), or ask for what is here (--arch A)",
    )  # fmt: skip
