"""Places in tar archives: an OCI layout in a tar, read and written; what `docker save` writes, read."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from bootworthy.errors import UsageError
from bootworthy.host import files
from bootworthy.host.progress import Progress
from bootworthy.oci import digest as digests
from bootworthy.oci import layout
from bootworthy.oci.archives import DOCKER_FILE, Archive, DockerImage, OciArchive
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.digest import Hasher, short
from bootworthy.oci.documents import CONFIGS, INDEX, REF_NAME, Descriptor, Index, Manifest, parse_document
from bootworthy.oci.layout import CONTAINERD_NAME, INDEX_FILE, VERSION_FILE, select
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.local import Local
from bootworthy.oci.transfer.places import Advance, Source

_PIECE = 1 << 20
_BLOCK = 512


class OciArchivePlace(Local):
    """An OCI layout in a tar, to be read."""

    def __init__(self, path: Path, archive: Archive | None = None) -> None:
        self._archive = OciArchive(archive or Archive.open(path))
        super().__init__(f"oci-archive:{path}", self._archive)
        self._path = path

    @property
    def entries(self) -> tuple[Descriptor, ...]:
        """What its index names."""
        return self._archive.index().manifests

    def resolve(self, reference: str) -> Descriptor:
        """The image of a name; an empty one is the only image there is.

        Raises:
            NotFoundError: `layout.no-tag`, `layout.empty`.
            UsageError: `layout.ambiguous`.
        """
        return select(self.entries, reference or None, where=str(self._path)).plain()


class DockerArchivePlace(Local):
    """One image of what `docker save` wrote. It has no OCI manifest, so it gets the one it would have."""

    def __init__(self, path: Path, image: DockerImage) -> None:
        super().__init__(f"docker-archive:{path}", image)
        self._image = image

    def resolve(self, reference: str) -> Descriptor:  # noqa: ARG002  (the image was chosen when the archive was opened)
        """The image."""
        return self._image.descriptor

    def manifest(self, descriptor: Descriptor) -> bytes:
        """The manifest that it would have."""
        if descriptor.digest == self._image.descriptor.digest:
            return self._image.manifest.raw
        return super().manifest(descriptor)


def is_oci(archive: Archive) -> bool:
    """Whether an archive is an OCI layout; newer `docker save` writes one that is both."""
    return VERSION_FILE in archive.members or DOCKER_FILE not in archive.members


@dataclass(frozen=True, slots=True)
class _Member:
    size: int
    write: Callable[[BinaryIO], None]


class ArchiveWriter:
    """An OCI layout in a tar, written whole when its block ends well.

    The same images make the same bytes: members are sorted, times are 0, and nothing is compressed a second time.
    For those who know no layout, as Docker before 25 and `docker-archive:` of skopeo, it has `manifest.json` too: there
    are the images that are for one platform, as they are here.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._members: dict[str, _Member] = {}
        self._entries: list[Descriptor] = []
        self._documents: dict[str, Manifest | Index] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.write()

    @property
    def name(self) -> str:
        """What people call it."""
        return f"oci-archive:{self._path}"

    @property
    def sparse(self) -> bool:
        """An index here may name images that are not in it."""
        return True

    @property
    def parallel(self) -> int:
        """It is written from front to back."""
        return 1

    def known(self, _descriptor: Descriptor) -> bytes | None:
        """It is made anew."""
        return None

    def put(self, descriptor: Descriptor, source: Source, progress: Progress, advance: Advance) -> bool:
        """Note that a blob is to be written; `source` is read when the block ends."""
        name = str(digests.blob_name(descriptor.digest))
        if name in self._members:
            return False

        def write(file: BinaryIO) -> None:
            with progress.task(f"writing {short(descriptor.digest)}", descriptor.size) as task:
                source.fetch(descriptor, file, advance=task.advance)

        self._members[name] = _Member(descriptor.size, write)
        advance(descriptor.size)
        return True

    def put_manifest(self, descriptor: Descriptor, raw: bytes) -> None:
        """Note that a document is to be written."""
        hasher = Hasher.like(descriptor.digest)
        hasher.update(raw)
        assert hasher.digest == descriptor.digest
        self._members[str(digests.blob_name(descriptor.digest))] = _whole(raw)
        document = parse_document(raw, where=self.name, media_type=descriptor.media_type or None)
        self._documents[descriptor.digest] = document

    def finish(self, descriptor: Descriptor, raw: bytes, names: Sequence[str]) -> None:
        """Note the outermost document, and its names.

        Raises:
            UsageError: `transfer.same-name`.
        """
        self.put_manifest(descriptor, raw)
        plain = descriptor.plain()
        for name in names or ("",):
            given = {REF_NAME: name} if name else {}
            if name and layout.canonical_name(name) == name:
                given[CONTAINERD_NAME] = name  # docker load and ctr images import look there
            known = {each.annotations.get(REF_NAME, ""): each.digest for each in self._entries}
            if known.get(name, plain.digest) != plain.digest:
                raise UsageError("transfer.same-name", f"two images are called {name}", where=self.name)
            if name not in known:
                self._entries.append(
                    Descriptor(
                        plain.media_type, plain.digest, plain.size, {**plain.annotations, **given}, plain.platform,
                        plain.artifact_type,
                    )
                )  # fmt: skip

    def write(self) -> None:
        """Write the archive.

        Raises:
            IntegrityError: a blob is not what its digest says.
            SpaceError, HostError: as `host.files.writing`.
        """
        order = sorted(self._entries, key=lambda each: (each.annotations.get(REF_NAME, ""), each.digest))
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [each.as_json() for each in order]}
        members = (
            self._members
            | self._for_docker()
            | {
                INDEX_FILE: _whole(canonical_json(index)),
                VERSION_FILE: _whole(canonical_json({"imageLayoutVersion": layout.VERSION})),
            }
        )
        folders = {str(parent) for name in members for parent in Path(name).parents} - {"."}
        with files.atomic(self._path) as file:
            for name in sorted([*members, *folders]):
                member = members.get(name)
                file.write(_header(name, member))
                if member is not None:
                    member.write(file)
                    file.write(bytes(-member.size % _BLOCK))
            file.write(bytes(2 * _BLOCK))
            file.write(bytes(-file.tell() % tarfile.RECORDSIZE))

    def _for_docker(self) -> dict[str, _Member]:
        """`manifest.json`, where there is something to put in it (Docker Image Specification v1.2)."""
        names: dict[str, set[str]] = {}
        for entry in self._entries:
            found = self._runnable(entry)
            name = entry.annotations.get(CONTAINERD_NAME)
            if found is not None and name is not None and "@" not in name:
                names.setdefault(found, set()).add(name)
        images = []
        for digest in sorted(names):
            manifest = self._documents[digest]
            assert isinstance(manifest, Manifest)
            layers = [str(digests.blob_name(layer.digest)) for layer in manifest.layers]
            config = str(digests.blob_name(manifest.config.digest))
            images.append({"Config": config, "RepoTags": sorted(names[digest]), "Layers": layers})
        return {DOCKER_FILE: _whole(canonical_json(images))} if images else {}

    def _runnable(self, entry: Descriptor) -> str | None:
        """Digest of the manifest below an entry that is an image to be run, when there is one only."""
        document = self._documents[entry.digest]
        below = [entry]
        if isinstance(document, Index):
            runs = (each for each in document.manifests if each.platform is None or each.platform.known)
            below = [each for each in runs if each.digest in self._documents]
        if len({each.digest for each in below}) != 1:
            return None
        found = self._documents[below[0].digest]
        is_image = isinstance(found, Manifest) and found.config.media_type in CONFIGS
        return below[0].digest if is_image else None


def _whole(raw: bytes) -> _Member:
    def write(file: BinaryIO) -> None:
        file.write(raw)

    return _Member(len(raw), write)


def _header(name: str, member: _Member | None) -> bytes:
    """A header block, and what comes before it for more than 8 GiB."""
    info = tarfile.TarInfo(name if member else f"{name}/")
    info.mode = 0o644 if member else 0o755
    if member is None:
        info.type = tarfile.DIRTYPE
    else:
        info.size = member.size
    return info.tobuf(tarfile.GNU_FORMAT)


@dataclass(frozen=True, slots=True)
class Found:
    """An image in an archive, with what it is called there."""

    source: Source
    descriptor: Descriptor
    names: tuple[str, ...]
    """As they are written."""
    full: tuple[str, ...]
    """Those that say what the image is called wherever it is."""


def every(path: Path) -> Iterator[Found]:
    """Every image of an archive, by whoever wrote it, in its order.

    Raises:
        NotFoundError: there is no such file, or nothing of ours in it.
        UsageError: `archive.compressed`.
        DocumentError: a document in it is malformed.
    """
    archive = Archive.open(path)
    if not is_oci(archive):
        for names, image in DockerImage.every(archive):
            full = tuple(str(Reference.parse(name)) for name in names)
            yield Found(DockerArchivePlace(path, image), image.descriptor, names, full)
        return
    place = OciArchivePlace(path, archive)
    for entry in place.entries:
        names = layout.names_of(entry)
        given = entry.annotations.get(CONTAINERD_NAME)
        known = [layout.canonical_name(given)] if given else []
        known += [name for name in names if name == layout.canonical_name(name) and "/" in name]
        rest = {key: text for key, text in entry.annotations.items() if key not in {REF_NAME, CONTAINERD_NAME}}
        plain = Descriptor(entry.media_type, entry.digest, entry.size, rest, entry.platform, entry.artifact_type)
        yield Found(place, plain, names, tuple(dict.fromkeys(known)))
