"""One repository of one registry, by the OCI distribution-spec v1.1, and by what older registries make of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from threading import Lock

from bootworthy.errors import DocumentError, IntegrityError
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import Descriptor, Index, Manifest
from bootworthy.oci.registry import download, manifests, referrers, tags, upload
from bootworthy.oci.registry.remote import Advance, Patience, Remote, nobody
from bootworthy.oci.registry.upload import Habits
from bootworthy.oci.registry.wire import Body, Wire

_PATIENT = Patience()


class Repository:
    """One repository. Threads may share it.

    Every method raises what `Wire.request` raises, besides its own.
    """

    def __init__(self, wire: Wire, name: str, *, patience: Patience = _PATIENT) -> None:
        self._remote = Remote(wire, name)
        self._patience = patience
        self._habits = Habits()
        self._listing = Lock()

    @property
    def name(self) -> str:
        """Registry and repository."""
        return self._remote.where()

    def resolve(self, tag_or_digest: str) -> Descriptor:
        """What a tag or a digest means now. Whoever reads the document by this descriptor reads it verified.

        Raises:
            IntegrityError: `registry.wrong-digest`, `registry.too-large`.
            DocumentError: `oci.schema1`, `oci.bad-document`, `oci.too-large`.
            UsageError: `reference.bad`.
        """
        return manifests.resolve(self._remote, tag_or_digest)

    def manifest(self, wanted: Descriptor | str) -> tuple[Descriptor, bytes]:
        """A manifest or an index, by descriptor, digest or tag, held against all that is known of it.

        By descriptor that is size and digest, and what is in it is not looked at; by digest or tag it is read too,
        because a descriptor needs its media type. By tag the digest is that of the bytes, and what the registry says
        of it has to be the same.

        Raises:
            IntegrityError: `registry.wrong-digest`, `registry.wrong-size`, `registry.too-large`.
            DocumentError: `oci.schema1`, `oci.bad-document`, `oci.too-large`.
            UsageError: `reference.bad`.
        """
        return manifests.read(self._remote, wanted)

    def walk(self, top: Descriptor) -> Iterator[tuple[Descriptor, Manifest | Index]]:
        """A document and all that are below it, each once, an index before what is in it.

        Raises:
            DocumentError: `oci.too-deep`, `oci.too-many`; and as `manifest`.
            IntegrityError: as `manifest`.
        """
        return manifests.walk(lambda each: self.manifest(each)[1], top, where=self.name)

    def fetch(self, descriptor: Descriptor, sink: download.Sink, *, start: int = 0, advance: Advance = nobody) -> None:
        """Stream one blob into a sink, in pieces of 1 MiB. Only when this returns is what was written the blob.

        A connection that breaks is taken up where it was. With `start`, the sink has so many bytes of an earlier run
        and is a file open for reading and writing: they are hashed first, and when the whole is not right in the end
        it is emptied and fetched once more. `advance` counts each new byte once.

        Raises:
            IntegrityError: `registry.wrong-digest`, `registry.wrong-size`; there are never more bytes than the size.
            NetworkError: `registry.broken`.
        """
        download.fetch(self._remote, descriptor, sink, start=start, advance=advance, patience=self._patience)

    def has(self, descriptor: Descriptor) -> bool:
        """Whether the registry says that it has a blob of this digest and size in this repository."""
        return upload.has(self._remote, descriptor, self._remote.pull)

    def put_blob(
        self, descriptor: Descriptor, body: Body, *, mount_from: Sequence[str] = (), advance: Advance = nobody
    ) -> bool:
        """Put one blob; False when it was there, or was mounted.

        `mount_from` names repositories of the same registry that may have it; an empty name stands for any. An upload
        that breaks is asked where it stands, and goes on from there. `advance` counts each byte once.

        Raises:
            IntegrityError: `registry.wrong-digest`, `registry.wrong-size`.
            NetworkError: `registry.bad-answer`.
        """
        return upload.put_blob(
            self._remote, descriptor, body, mount_from=mount_from, advance=advance, habits=self._habits,
            patience=self._patience,
        )  # fmt: skip

    def put_manifest(self, descriptor: Descriptor, raw: bytes, tags: Sequence[str] = ()) -> None:
        """Put a manifest or an index under tags, or under its digest alone; what is in it has to be there.

        When it refers to another image and the registry does not keep that, it is entered in the tag that does.

        Raises:
            IntegrityError: `registry.wrong-digest`, also when the registry says that it took something else.
            NetworkError: `registry.lost-race`.
        """
        where = self._remote.where(descriptor.digest)
        subject = referrers.subject_of(raw, where)
        headers = manifests.put(self._remote, descriptor, raw, tags)
        if subject is not None and headers.get("oci-subject") != subject.digest:
            entry = referrers.entry_of(descriptor, raw, where)
            with self._listing:
                referrers.enter(self._remote, subject.digest, entry, self._patience)

    def tags(self) -> Iterator[str]:
        """Every tag once, in the registry's order, page by page.

        Raises:
            NetworkError: `registry.endless-list`, `registry.bad-answer`.
        """
        return tags.tags(self._remote)

    def referrers(
        self, digest: str, artifact_type: str | None = None, *, skip: referrers.Skip = referrers.silently
    ) -> tuple[Descriptor, ...]:
        """What refers to a manifest, in the registry's order; from the tag that lists it where there is no API.

        `skip` is told of entries that cannot be read; they are left out.

        Raises:
            NetworkError: `registry.endless-list`, `registry.bad-answer`.
            DocumentError: `oci.bad-document`, the list itself cannot be read.
            IntegrityError: `digest.bad`.
        """
        return referrers.referrers(self._remote, digests.validate(digest), artifact_type, skip)

    def delete(self, digest: str) -> None:
        """Delete a manifest; also from the tag's list of what it refers to, where the registry keeps none.

        Raises:
            RefusedError: `registry.cannot-delete`.
            IntegrityError: `digest.bad`.
        """
        subject: Descriptor | None = None
        with contextlib.suppress(DocumentError, IntegrityError):  # what cannot be read can be deleted all the same
            _, raw = self.manifest(digests.validate(digest))
            subject = referrers.subject_of(raw, self._remote.where(digest))
        manifests.delete(self._remote, digests.validate(digest))
        if subject is not None and not referrers.has_api(self._remote, subject.digest):
            with self._listing:
                referrers.strike(self._remote, subject.digest, digest, self._patience)

    def untag(self, tag: str) -> None:
        """Take a tag away and leave what it points to, which not every registry can.

        Raises:
            RefusedError: `registry.cannot-untag`.
            UsageError: `reference.bad`.
        """
        manifests.delete(self._remote, manifests.a_tag(tag))
