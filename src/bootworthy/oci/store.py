"""The local store: an OCI image layout (image-spec v1.1, image-layout.md) that several processes may use at once.

Blobs never change. `index.json` is the one file that does: it is read, changed and replaced under a lock, and what
other programs wrote into it stays. An image's whole reference is its `org.opencontainers.image.ref.name`, so
`skopeo inspect oci:STORE:localhost/bootworthy/debian-12:debian-6.1` finds it. What a `Store` has written or looked up
is leased while the object lives: no clean-up takes it before it has a name, or while it is read.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from bootworthy.errors import DocumentError, IntegrityError, NotFoundError, UsageError
from bootworthy.host.leases import Lease
from bootworthy.oci import digest as digests
from bootworthy.oci import documents, layout
from bootworthy.oci import image as images
from bootworthy.oci.blobs import Span, open_verified, read, reading
from bootworthy.oci.documents import PLATFORM, REF_NAME, ROLE, Descriptor, Manifest, Platform
from bootworthy.oci.image import Image, Layer
from bootworthy.oci.intake import BlobWriter, new_blob
from bootworthy.oci.listing import StoredImage, describe
from bootworthy.oci.reference import Reference
from bootworthy.oci.writable import LEASES, WritableLayout, entry_name, entry_names, name_entry
from bootworthy.oci.written import config_bytes, index_bytes, manifest_bytes
from bootworthy.vocabulary import Architecture

__all__ = ["LEASES", "Store"]
_PIECE = 2**20


class Store:
    """The store at `root`. Nothing is created before something is written."""

    __slots__ = ("_layout", "_lease", "root")

    def __init__(self, root: Path) -> None:
        self.root = root
        self._layout = WritableLayout(root)
        self._lease = Lease(root / LEASES)

    # Blobs

    def begin(self) -> None:
        """Make the store, where it is not there yet.

        Raises:
            UsageError: `store.not-a-folder`, `store.not-empty`.
            SpaceError, HostError: as `host.files.writing`.
        """
        self._layout.begin()

    def hold(self, *digests_: str) -> None:
        """Lease some blobs while this object lives, whether they are there or not.

        Raises:
            DeadlineError: `lock.busy`.
        """
        if self.root.exists():
            self._lease.hold(*digests_)

    def put_bytes(self, data: bytes, media_type: str) -> Descriptor:
        """Keep some bytes.

        Raises:
            SpaceError, HostError: as `host.files.writing`.
        """
        with self.new_blob(media_type) as blob:
            blob.write(data)
        return blob.descriptor

    def put_file(self, source: Path | BinaryIO, media_type: str, *, expect: str | None = None) -> Descriptor:
        """Keep a copy of a file, or of what a stream still has.

        Raises:
            IntegrityError: `store.unexpected-digest`, when its digest is not `expect`.
            NotFoundError, HostError: the file cannot be read.
            SpaceError, HostError: as `host.files.writing`.
        """
        if isinstance(source, Path):
            with reading(source):
                file = source.open("rb")
            with file:
                return self.put_file(file, media_type, expect=expect)
        with self.new_blob(media_type, expect=expect) as blob:
            while piece := source.read(_PIECE):
                blob.write(piece)
        return blob.descriptor

    @contextlib.contextmanager
    def new_blob(self, media_type: str, *, expect: str | None = None) -> Iterator[BlobWriter]:
        """A blob that is written piece by piece; its writer has the descriptor when the block has ended.

        Raises:
            IntegrityError: `store.unexpected-digest`, when its digest is not `expect`.
            SpaceError, HostError: as `host.files.writing`.
        """
        self._layout.begin()
        with new_blob(self.root, media_type, expect=expect, hold=self._lease.hold) as blob:
            yield blob

    def blob_path(self, digest: str) -> Path:
        """The file of a blob.

        Raises:
            NotFoundError: `store.no-blob`.
            IntegrityError: `digest.bad`.
        """
        return self.locate(digest).path

    def locate(self, digest: str) -> Span:
        """Where a blob lies.

        Raises:
            NotFoundError: `store.no-blob`.
            IntegrityError: `digest.bad`.
        """
        try:
            return layout.Layout(self.root).locate(digest)
        except NotFoundError as error:
            raise layout.no_blob(digest, Path(error.where or ""), "build or pull its image again") from None

    def remedy(self, span: Span, /) -> str:
        """What a person does when a blob is corrupt."""
        return f"remove it (rm -f {shlex.quote(str(span.path))}), then build or pull its image again"

    def read(self, descriptor: Descriptor) -> bytes:
        """A small blob, verified: a manifest, an index, a configuration.

        Raises:
            IntegrityError: `store.corrupt-blob`.
            NotFoundError: `store.no-blob`.
            DocumentError: `oci.too-large`.
        """
        return read(self, descriptor)

    def open_verified(self, descriptor: Descriptor) -> BinaryIO:
        """A blob as a stream that raises at its end when it was not what the descriptor says.

        Raises:
            IntegrityError: `store.corrupt-blob`.
            NotFoundError: `store.no-blob`.
        """
        return open_verified(self, descriptor)

    # Images

    def put_image(
        self, *, layers: Sequence[Layer], architecture: Architecture, labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None, epoch: int = 0, history: Sequence[str] = (),
        extras: Mapping[str, object] | None = None,
    ) -> Descriptor:  # fmt: skip
        """Make an image of layers that are in the store; the same arguments make the same bytes.

        `epoch` is its creation in seconds since 1970; `history` says for each layer how it came to be; `extras` are
        fields of the configuration's `config`: `Env`, `Entrypoint`, `Cmd`, `User`, ...

        Raises:
            NotFoundError: `store.no-blob`, a layer is not there.
            SpaceError, HostError: as `host.files.writing`.
        """
        self._hold(layer.descriptor for layer in layers)
        platform = Platform.of(architecture)
        config = config_bytes(layers, platform, labels=labels or {}, epoch=epoch, history=history, extras=extras or {})
        manifest = manifest_bytes(
            self.put_bytes(config, documents.CONFIG), [layer.descriptor for layer in layers], annotations or {}
        )
        shown = {key: value for key, value in (annotations or {}).items() if key in {ROLE, PLATFORM}}
        descriptor = self.put_bytes(manifest, documents.MANIFEST)
        return replace(descriptor, platform=platform, annotations=shown)

    def put_index(
        self, manifests: Sequence[Descriptor], *, annotations: Mapping[str, str] | None = None,
        artifact_type: str | None = None,
    ) -> Descriptor:  # fmt: skip
        """Join images, in this order.

        Raises:
            NotFoundError: `store.no-blob`, one of them is not there.
            SpaceError, HostError: as `host.files.writing`.
        """
        self._hold(manifests)
        index = index_bytes(manifests, annotations, artifact_type)
        return replace(self.put_bytes(index, documents.INDEX), artifact_type=artifact_type)

    def image(self, what: Reference | Descriptor, architecture: Architecture | None = None) -> Image:
        """An image, through an index by platform; without an architecture the only one, else this machine's.

        Raises:
            NotFoundError: `store.no-image`, `oci.no-platform`, `store.no-blob`.
            IntegrityError: `store.corrupt-blob`.
            DocumentError: a document in it is malformed.
        """
        descriptor = self.resolve(what) if isinstance(what, Reference) else what
        self._hold([descriptor])
        name = str(what) if isinstance(what, Reference) else what.digest
        return images.load_image(self, descriptor, name=name, architecture=architecture)

    def missing(self, descriptor: Descriptor) -> tuple[Descriptor, ...]:
        """The blobs below a manifest or index that are not there, have the wrong size, or are unreadable documents.

        Layers are not read: what is corrupt without a change of size is found when it is used.
        """
        found: list[Descriptor] = []
        try:
            for member in images.members(self, descriptor):
                found += self._missing_of(member)
        except (NotFoundError, IntegrityError, DocumentError):
            found.append(descriptor)
        return tuple(dict.fromkeys(found))

    def _missing_of(self, member: Descriptor) -> Iterator[Descriptor]:
        try:
            document = images.read_document(self, member)
        except (NotFoundError, IntegrityError, DocumentError):
            yield member
            return
        assert isinstance(document, Manifest)
        for blob in (document.config, *document.layers):
            path = self.root / digests.blob_name(blob.digest)
            if not path.is_file() or path.stat().st_size != blob.size:
                yield blob

    # Names

    def tag(self, reference: Reference, descriptor: Descriptor) -> None:
        """Give a manifest or index a name; who had the name before loses it.

        What was fetched by its digest alone is named by that.

        Raises:
            UsageError: `reference.no-tag`.
            IntegrityError: `reference.other-digest`.
            NotFoundError: `store.no-blob`.
            DeadlineError, SpaceError, HostError: the index cannot be written.
        """
        name = _named(reference)
        if reference.digest not in {None, descriptor.digest}:
            raise IntegrityError("reference.other-digest", f"{reference} is not the name of {descriptor.digest}")
        self._hold([descriptor])
        annotations = {**descriptor.annotations, REF_NAME: name}
        entry = replace(descriptor, annotations=annotations).as_json()
        if [each.as_json() for each in self._layout.entries() if entry_name(each.as_json()) == name] == [entry]:
            return  # so that a store that cannot be written serves whoever changes nothing
        with self._layout.changing() as entries:
            name_entry(entries, name, entry)

    def untag(self, reference: Reference) -> None:
        """Take a name away; the blobs stay until a clean-up finds that nothing else needs them.

        Raises:
            NotFoundError: `store.no-image`.
            UsageError: `reference.no-tag`.
        """
        name = _named(reference)
        if not any(name in entry_names(entry.as_json()) for entry in self._layout.entries()):
            raise self._no_image(reference)
        with self._layout.changing() as entries:
            entries[:] = [each for each in entries if name not in entry_names(each)]

    def resolve(self, reference: Reference) -> Descriptor:
        """The manifest or index a name stands for. A digest decides, and finds blobs that have no name too.

        Raises:
            NotFoundError: `store.no-image`, with the nearest names.
            IntegrityError: `store.corrupt-blob`.
            DocumentError: a document is malformed.
        """
        entries = self._layout.entries()
        if reference.digest is not None:
            if entries:
                self._lease.hold(reference.digest)
            return self._by_digest(reference, reference.digest, entries)
        for entry in entries:
            if any(layout.canonical_name(name) == str(reference) for name in layout.names_of(entry)):
                self._lease.hold(entry.digest)
                return entry.plain()
        raise self._no_image(reference)

    def images(self) -> tuple[StoredImage, ...]:
        """Everything in the store that has a name, sorted by it; what cannot be read says why.

        Raises:
            DocumentError, NotFoundError: the store's own index cannot be read.
        """
        found = [describe(self, name, entry) for entry in self._layout.entries() for name in layout.names_of(entry)[:1]]
        return tuple(sorted(found, key=lambda each: each.name))

    def _by_digest(self, reference: Reference, digest: str, entries: Sequence[Descriptor]) -> Descriptor:
        for entry in entries:
            if entry.digest == digest:
                return entry.plain()
        try:
            span = self.locate(digest)
        except NotFoundError:
            raise self._no_image(reference) from None
        raw = read(self, Descriptor("", digest, span.size))
        document = documents.parse_document(raw, where=str(span.path))
        return Descriptor(document.media_type, digest, span.size)

    def _hold(self, descriptors: Iterable[Descriptor]) -> None:
        """Lease some blobs, and see that they are there.

        Raises:
            NotFoundError: `store.no-blob`.
        """
        digests_ = [descriptor.digest for descriptor in descriptors]
        self.hold(*digests_)
        for digest in digests_:
            self.locate(digest)

    def _no_image(self, reference: Reference) -> NotFoundError:
        known = [name for entry in self._layout.entries() for name in layout.names_of(entry)[:1]]
        return NotFoundError(
            "store.no-image", f"there is no image {reference} in the store", where=str(self.root),
            hint=layout.nearest(str(reference), known) or "the store has no images yet: build or pull one",
        )  # fmt: skip


def _named(reference: Reference) -> str:
    """The name in the index: with the tag, or with the digest where there is no tag."""
    if reference.tag is None and reference.digest is None:
        raise UsageError("reference.no-tag", f"{reference} has no tag", hint="name it as NAME:TAG")
    return str(reference) if reference.tag is None else f"{reference.name}:{reference.tag}"
