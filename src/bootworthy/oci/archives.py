"""Images in tar archives, read where they lie: an OCI layout in a tar, and what `docker save` writes."""

from __future__ import annotations

import hashlib
import posixpath
import shlex
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import NotFoundError, UsageError
from bootworthy.oci import digest as digests
from bootworthy.oci import layout
from bootworthy.oci.blobs import Span, reading
from bootworthy.oci.documents import (
    CONFIG,
    LAYER,
    LAYER_GZIP,
    LAYER_ZSTD,
    MANIFEST,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    parse_document,
    parse_index,
)
from bootworthy.oci.fields import LIMIT, Fields, document_error, load_value, too_large
from bootworthy.oci.layout import INDEX_FILE, VERSION_FILE, canonical_name, nearest
from bootworthy.oci.written import manifest_bytes

DOCKER_FILE = "manifest.json"
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_LAYERS = {"gzip": LAYER_GZIP, "zstd": LAYER_ZSTD, None: LAYER}
_LINKS = 40


@dataclass(frozen=True, slots=True)
class Archive:
    """A tar and where its members lie in it; the members are found once and read in place."""

    path: Path
    members: Mapping[str, Span] = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> Archive:
        """Find the members of a tar.

        Raises:
            NotFoundError, HostError: it cannot be read.
            UsageError: `archive.compressed`.
            DocumentError: `archive.bad`.
        """
        with reading(path), path.open("rb") as file:
            packed = _compression(file.read(6))
            if packed:
                raise UsageError(
                    "archive.compressed", f"the archive is compressed with {packed}, and is read in place",
                    where=str(path), hint=f"unpack it first: {packed} -d {shlex.quote(str(path))}",
                )  # fmt: skip
            file.seek(0)
            try:
                with tarfile.open(fileobj=file, mode="r:") as tar:
                    return cls(path, _members(path, tar))
            except (tarfile.TarError, ValueError, EOFError, RecursionError) as error:
                raise document_error(
                    "archive.bad", "tar archive", str(path), str(error), hint="copy it again"
                ) from error

    def small(self, name: str) -> bytes:
        """The bytes of a small member that no digest covers.

        Raises:
            NotFoundError: `archive.no-member`.
            DocumentError: `oci.too-large`, `archive.bad`.
        """
        span = self.member(name)
        if span.size > LIMIT:
            raise too_large(name, str(self.path), span.size)
        with reading(self.path), self.path.open("rb") as file:
            file.seek(span.offset)
            data = file.read(span.size)
        if len(data) != span.size:
            raise document_error("archive.bad", "tar archive", str(self.path), f"it ends inside {name}")
        return data

    def member(self, name: str) -> Span:
        """Where a member lies.

        Raises:
            NotFoundError: `archive.no-member`.
        """
        span = self.members.get(posixpath.normpath(name))
        if span is None:
            raise NotFoundError(
                "archive.no-member", f"there is no file {name[:200]!r} in the archive", where=str(self.path),
                hint="copy the archive again, or name its kind: oci-archive: or docker-archive:",
            )  # fmt: skip
        return span

    def remedy(self, _span: Span, /) -> str:
        """What a person does when a blob is corrupt."""
        return f"copy the archive {shlex.quote(str(self.path))} again from where it came"


@dataclass(frozen=True, slots=True)
class OciArchive:
    """An OCI image layout in a tar."""

    archive: Archive

    def index(self) -> Index:
        """What its `index.json` says.

        Raises:
            NotFoundError: `archive.no-member`.
            DocumentError: `layout.version`, `oci.bad-document`, `oci.too-large`.
        """
        where = str(self.archive.path)
        layout.check_version(self.archive.small(VERSION_FILE), where=f"{where}:{VERSION_FILE}")
        return parse_index(self.archive.small(INDEX_FILE), where=f"{where}:{INDEX_FILE}")

    def locate(self, digest: str) -> Span:
        """Where a blob lies.

        Raises:
            NotFoundError: `store.no-blob`.
            IntegrityError: `digest.bad`.
        """
        return _located(self.archive, digest, self.archive.members.get(str(digests.blob_name(digest))))

    def remedy(self, span: Span, /) -> str:
        """What a person does when a blob is corrupt."""
        return self.archive.remedy(span)


@dataclass(frozen=True, slots=True)
class DockerImage:
    """One image of what `docker save` wrote. It has no OCI manifest, so it gets the one it would have."""

    archive: Archive
    manifest: Manifest
    descriptor: Descriptor
    spans: Mapping[str, Span] = field(repr=False)

    @classmethod
    def choose(cls, archive: Archive, tag: str | None) -> DockerImage:
        """The image of a tag; without a tag, the only one there is.

        Raises:
            NotFoundError: `layout.no-tag`, `layout.empty`, `archive.no-member`.
            UsageError: `layout.ambiguous`.
            DocumentError: a document in it is malformed.
        """
        return cls._of(archive, _choose(archive, tag))

    @classmethod
    def every(cls, archive: Archive) -> Iterator[tuple[tuple[str, ...], DockerImage]]:
        """Every image with its names, in the order of the archive.

        Raises:
            NotFoundError: `archive.no-member`.
            DocumentError: a document in it is malformed.
        """
        for entry in _entries(archive):
            yield entry.texts("RepoTags"), cls._of(archive, entry)

    @classmethod
    def _of(cls, archive: Archive, entry: Fields) -> DockerImage:
        spans: dict[str, Span] = {}
        config_name = entry.text("Config")
        raw = archive.small(config_name)
        # The name is the digest, and the one thing in the archive that vouches for the configuration.
        named = f"sha256:{posixpath.basename(config_name).removesuffix('.json')}"
        config = Descriptor(CONFIG, named if digests.is_valid(named) else digests.of(raw), len(raw))
        spans[config.digest] = archive.member(config_name)
        diff_ids = ImageConfig.parse(raw, where=f"{archive.path}:{config_name}").diff_ids
        names = entry.texts("Layers")
        if len(names) != len(diff_ids):
            raise entry.error("Layers", f"{len(names)} layers, but the configuration has {len(diff_ids)}")
        layers = []
        for name, diff_id in zip(names, diff_ids, strict=True):
            span = archive.member(name)
            layer = _layer(span, diff_id)
            spans[layer.digest] = span
            layers.append(layer)
        data = manifest_bytes(config, layers, {})
        descriptor = Descriptor.of(data, MANIFEST)
        manifest = parse_document(data, where=str(archive.path), media_type=descriptor.media_type)
        assert isinstance(manifest, Manifest)
        return cls(archive, manifest, descriptor, spans)

    def locate(self, digest: str) -> Span:
        """Where a blob lies.

        Raises:
            NotFoundError: `store.no-blob`.
            IntegrityError: `digest.bad`.
        """
        return _located(self.archive, digests.validate(digest), self.spans.get(digest))

    def remedy(self, span: Span, /) -> str:
        """What a person does when a blob is corrupt."""
        return self.archive.remedy(span)


def _entries(archive: Archive) -> Sequence[Fields]:
    where = f"{archive.path}:{DOCKER_FILE}"
    listed = load_value(archive.small(DOCKER_FILE), kind=DOCKER_FILE, where=where)
    return Fields({"images": listed}, kind=DOCKER_FILE, where=where).each("images")


def _choose(archive: Archive, tag: str | None) -> Fields:
    entries = _entries(archive)
    names = {number: entry.texts("RepoTags") for number, entry in enumerate(entries)}
    known = sorted({name for each in names.values() for name in each})
    if tag is None:
        if not entries:
            raise NotFoundError("layout.empty", "there is no image in it", where=str(archive.path))
        if len(entries) > 1:
            raise UsageError(
                "layout.ambiguous", "there is more than one image in it", where=str(archive.path),
                hint=f"say which: {', '.join(known) or 'none of them has a name'}",
            )  # fmt: skip
        return entries[0]
    for number, entry in enumerate(entries):
        if canonical_name(tag) in {canonical_name(name) for name in names[number]}:
            return entry
    raise NotFoundError(
        "layout.no-tag", f"there is no image called {tag!r} in it", where=str(archive.path), hint=nearest(tag, known)
    )


def _layer(span: Span, diff_id: str) -> Descriptor:
    """A layer's descriptor: the configuration knows the digest of a plain tar, a compressed one must be hashed."""
    with reading(span.path), span.path.open("rb") as file:
        file.seek(span.offset)
        packed = _compression(file.read(min(6, span.size)))
        if packed is None:
            return Descriptor(LAYER, diff_id, span.size)
        file.seek(span.offset)
        hasher, left = hashlib.sha256(), span.size
        while left and (piece := file.read(min(left, 2**20))):
            hasher.update(piece)
            left -= len(piece)
    return Descriptor(_LAYERS.get(packed, LAYER), f"sha256:{hasher.hexdigest()}", span.size)


def _compression(start: bytes) -> str | None:
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


def _located(archive: Archive, digest: str, span: Span | None) -> Span:
    if span is None:
        raise layout.no_blob(digest, archive.path, "copy the archive again from where it came")
    return span


def _members(path: Path, tar: tarfile.TarFile) -> dict[str, Span]:
    """Regular files by name; older `docker save` links a layer that two images share."""
    spans: dict[str, Span] = {}
    links: dict[str, str] = {}
    for member in tar:
        if member.size < 0:
            raise tarfile.ReadError(f"{member.name!r} has a negative size")  # tarfile would go back and never end
        name = posixpath.normpath(member.name)
        if member.isreg() and not member.issparse():
            spans[name] = Span(path, member.offset_data, member.size)
        elif member.issym():
            links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        elif member.islnk():
            links[name] = posixpath.normpath(member.linkname)
    for name, first in links.items():
        target = first
        for _ in range(_LINKS):
            if target in spans:
                spans[name] = spans[target]
                break
            target = links.get(target, "")
    return spans
