"""The documents of an image: descriptor, manifest, index, configuration.

OCI image-spec v1.1 and Docker's image manifest v2 schema 2, which differ in media types only. What a digest names is
never written again: every parsed document keeps its bytes in `raw`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bootworthy.oci import digest as digests
from bootworthy.oci.fields import Fields
from bootworthy.vocabulary import Architecture

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

MANIFESTS = frozenset({MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({INDEX, DOCKER_INDEX})
CONFIGS = frozenset({CONFIG, DOCKER_CONFIG})

REF_NAME = "org.opencontainers.image.ref.name"
ROLE = "dev.bootworthy.role"
PLATFORM = "dev.bootworthy.platform"
BUNDLE = "dev.bootworthy.bundle"
"""Of a name in the store that goes with a bundle: the digest of the bundle (`builders.superseded`)."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Where an image runs, in OCI's words (image-index.md, "platform")."""

    os: str
    architecture: str
    variant: str | None = None

    @classmethod
    def of(cls, architecture: Architecture) -> Platform:
        """Linux on an architecture."""
        return cls("linux", architecture.oci)

    @classmethod
    def parse(cls, fields: Fields) -> Platform:
        """Read a platform.

        Raises:
            DocumentError: `oci.bad-document`.
        """
        return cls(fields.text("os"), fields.text("architecture"), fields.maybe_text("variant"))

    def matches(self, architecture: Architecture) -> bool:
        """Whether this is Linux on that architecture."""
        return self.os == "linux" and self.architecture == architecture.oci

    @property
    def known(self) -> bool:
        """False for `unknown/unknown`, which marks things that are not to be run: attestations, kernels, modules."""
        return self.os != "unknown"

    def as_json(self) -> dict[str, object]:
        """The platform as a document has it."""
        fields: dict[str, object] = {"os": self.os, "architecture": self.architecture}
        return fields | ({"variant": self.variant} if self.variant else {})

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What points to a blob: media type, digest, size in bytes (descriptor.md)."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: Platform | None = None
    artifact_type: str | None = None

    @classmethod
    def of(cls, data: bytes, media_type: str) -> Descriptor:
        """The descriptor of some bytes."""
        return cls(media_type, digests.of(data), len(data))

    @classmethod
    def parse(cls, fields: Fields) -> Descriptor:
        """Read a descriptor.

        Raises:
            DocumentError: `oci.bad-document`.
        """
        platform = Platform.parse(fields.inside("platform")) if "platform" in fields else None
        return cls(
            fields.text("mediaType"), fields.digest("digest"), fields.count("size"), fields.mapping("annotations"),
            platform, fields.maybe_text("artifactType"),
        )  # fmt: skip

    @property
    def role(self) -> str | None:
        """What the image is for, when it says so: `root`, `root+kernel`."""
        return self.annotations.get(ROLE)

    def plain(self) -> Descriptor:
        """The descriptor without what only its present place says about it: the tag, and what that goes with."""
        kept = {key: value for key, value in self.annotations.items() if key not in {REF_NAME, BUNDLE}}
        return replace(self, annotations=kept)

    def as_json(self) -> dict[str, object]:
        """The descriptor as a document has it."""
        fields: dict[str, object] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.annotations:
            fields["annotations"] = dict(self.annotations)
        if self.platform is not None:
            fields["platform"] = self.platform.as_json()
        if self.artifact_type is not None:
            fields["artifactType"] = self.artifact_type
        return fields


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image of one platform (manifest.md)."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(hash=False)
    artifact_type: str | None
    subject: Descriptor | None
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Index:
    """Images that belong together, one for each platform (image-index.md); also a layout's `index.json`."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(hash=False)
    artifact_type: str | None
    subject: Descriptor | None
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """How an image is run and what its layers hold (config.md)."""

    platform: Platform
    diff_ids: tuple[str, ...]
    """Digests of the uncompressed layers, lowest first."""
    labels: Mapping[str, str] = field(hash=False)
    environment: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    working_directory: str
    created: str | None
    raw: bytes = field(repr=False)

    @classmethod
    def parse(cls, raw: bytes, *, where: str) -> ImageConfig:
        """Read an image configuration.

        Raises:
            DocumentError: `oci.bad-document`, `oci.too-large`.
        """
        fields = Fields.parse(raw, kind="image configuration", where=where)
        rootfs = fields.inside("rootfs")
        diff_ids = rootfs.texts("diff_ids")
        for number, diff_id in enumerate(diff_ids):
            if not digests.is_valid(diff_id):
                raise rootfs.error(f"diff_ids[{number}]", f"{diff_id[:160]!r} is not a digest")
        run = fields.inside("config")
        return cls(
            Platform.parse(fields), diff_ids, run.mapping("Labels"), run.texts("Env"), run.texts("Entrypoint"),
            run.texts("Cmd"), run.maybe_text("User") or "", run.maybe_text("WorkingDir") or "",
            fields.maybe_text("created"), raw,
        )  # fmt: skip


def parse_document(raw: bytes, *, where: str, media_type: str | None = None) -> Manifest | Index:
    """Read a manifest or an index; `media_type` is what the descriptor that led here says.

    A document that could be taken for either, or whose own media type contradicts its descriptor, is refused: two
    readers would see two images (image-spec advisory GHSA-77vh-xpmg-72qh).

    Raises:
        DocumentError: `oci.bad-document`, `oci.too-large`, `oci.schema1`.
    """
    fields = Fields.parse(raw, kind="manifest", where=where)
    if "schemaVersion" in fields and fields.count("schemaVersion") == 1:
        raise fields.error(
            "schemaVersion", "this is an image of Docker's schema 1", code="oci.schema1",
            hint="push it again with a Docker of this decade, or copy it with `skopeo copy --format oci`",
        )  # fmt: skip
    if fields.count("schemaVersion") != 2:
        raise fields.error("schemaVersion", "must be 2")
    found = _kind(fields, media_type)
    subject = Descriptor.parse(fields.inside("subject")) if "subject" in fields else None
    rest = (fields.mapping("annotations"), fields.maybe_text("artifactType"), subject, raw)
    if found in INDEXES:
        return Index(found, tuple(Descriptor.parse(each) for each in fields.each("manifests")), *rest)
    config = Descriptor.parse(fields.inside("config"))
    return Manifest(found, config, tuple(Descriptor.parse(each) for each in fields.each("layers")), *rest)


def parse_index(raw: bytes, *, where: str) -> Index:
    """Read an index, such as `index.json`.

    Raises:
        DocumentError: `oci.bad-document`, `oci.too-large`.
    """
    document = parse_document(raw, where=where, media_type=INDEX)
    assert isinstance(document, Index)
    return document


def _kind(fields: Fields, expected: str | None) -> str:
    """The media type of a document, when its own, its descriptor's and its shape agree."""
    own = fields.maybe_text("mediaType")
    if own and expected and own != expected:
        raise fields.error("mediaType", f"{own!r}, but its descriptor says {expected!r}")
    kind = own or expected or (INDEX if "manifests" in fields else MANIFEST)
    if kind not in MANIFESTS | INDEXES:
        raise fields.error("mediaType", f"{kind[:160]!r} is neither an image manifest nor an index")
    misfits = ("config", "layers") if kind in INDEXES else ("manifests",)
    for key in misfits:
        if key in fields:
            raise fields.error(key, f"has no place in a document of type {kind!r}")
    return kind
