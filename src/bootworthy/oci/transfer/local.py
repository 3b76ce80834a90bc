"""Places on this machine: the store, and other people's layouts."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from bootworthy.errors import BootworthyError, NotFoundError
from bootworthy.host.locks import remove_if_free
from bootworthy.host.progress import Progress
from bootworthy.oci import blobs
from bootworthy.oci.blobs import Blobs
from bootworthy.oci.documents import REF_NAME, Descriptor
from bootworthy.oci.downloads import Kept, download, is_there
from bootworthy.oci.intake import PARTIAL, new_blob
from bootworthy.oci.layout import Layout, canonical_name, select
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.places import Advance, Sink, Source, nobody
from bootworthy.oci.transfer.telling import Telling
from bootworthy.oci.writable import LOCK, WritableLayout, name_entry

_PIECE = 1 << 20
_PARALLEL = 16


class Local:
    """Images that can be read in place."""

    def __init__(self, name: str, content: Blobs) -> None:
        self._name = name
        self._content = content

    @property
    def name(self) -> str:
        """What people call it."""
        return self._name

    @property
    def sparse(self) -> bool:
        """An index here may name images that were never fetched."""
        return True

    def manifest(self, descriptor: Descriptor) -> bytes:
        """A manifest or an index, verified.

        Raises:
            IntegrityError: `store.corrupt-blob`.
            NotFoundError: `store.no-blob`.
        """
        return blobs.read(self._content, descriptor)

    def fetch(self, descriptor: Descriptor, sink: Sink, *, start: int = 0, advance: Advance = nobody) -> None:
        """Write a blob to a sink, from its start: what a sink has of it is written over.

        Raises:
            IntegrityError: `store.corrupt-blob`.
            NotFoundError: `store.no-blob`.
        """
        if start:
            assert isinstance(sink, Kept)
            sink.truncate(0)
            sink.seek(0)
        with self.open(descriptor) as stream:
            while piece := stream.read(_PIECE):
                sink.write(piece)
                advance(len(piece))

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A blob as a stream.

        Raises:
            IntegrityError: `store.corrupt-blob`, at its end at the latest.
            NotFoundError: `store.no-blob`.
        """
        return blobs.open_verified(self._content, descriptor, where=self._name)


class LayoutPlace(Local):
    """A layout in a folder."""

    def __init__(self, root: Path) -> None:
        super().__init__(f"oci:{root}", Layout(root))
        self._layout = WritableLayout(root, "OCI layout", "name a folder that is a layout, or is not there yet")
        self._root = root

    @property
    def parallel(self) -> int:
        """The most blobs at a time."""
        return _PARALLEL

    def resolve(self, reference: str) -> Descriptor:
        """The image of a name; an empty one is the only image there is.

        Raises:
            NotFoundError: `layout.missing`, `layout.no-tag`, `layout.empty`.
            UsageError: `layout.ambiguous`.
            DocumentError: its index cannot be read.
        """
        return select(Layout(self._root).index().manifests, reference or None, where=str(self._root)).plain()

    def known(self, descriptor: Descriptor) -> bytes | None:
        """A document that is there already, and sound."""
        try:
            return self.manifest(descriptor)
        except BootworthyError:  # missing or corrupt: it is fetched
            return None

    def put(self, descriptor: Descriptor, source: Source, progress: Progress, advance: Advance) -> bool:
        """Get a blob, unless it is there; what an earlier run left of it is used.

        Raises:
            IntegrityError: it is not what its digest says.
            SpaceError, HostError: as `host.files.writing`.
        """
        self._hold(descriptor.digest)
        try:
            if is_there(self._content.locate(descriptor.digest).path, descriptor):
                return False
        except NotFoundError:
            pass
        self._layout.begin()

        def fetch(kept: Kept, start: int) -> None:
            with Telling(progress, descriptor, advance, there=start) as tell:
                source.fetch(descriptor, kept, start=start, advance=tell)

        return download(self._root, descriptor, fetch)

    def put_manifest(self, descriptor: Descriptor, raw: bytes) -> None:
        """Keep a document.

        Raises:
            SpaceError, HostError: as `host.files.writing`.
        """
        self._hold(descriptor.digest)
        if self.known(descriptor) is not None:
            return
        self._layout.begin()
        with new_blob(self._root, descriptor.media_type, expect=descriptor.digest) as blob:
            blob.write(raw)

    def finish(self, descriptor: Descriptor, raw: bytes, names: Sequence[str]) -> None:
        """Keep the outermost document, and name it; without a name it is entered all the same.

        Raises:
            DeadlineError, SpaceError, HostError: the index cannot be written.
        """
        self.put_manifest(descriptor, raw)
        plain = descriptor.plain()
        with self._layout.changing() as entries:
            for name in names:
                entry = plain.as_json() | {"annotations": {**plain.annotations, REF_NAME: name}}
                name_entry(entries, canonical_name(name), entry)
            if not names and all(entry.get("digest") != plain.digest for entry in entries):
                entries.append(plain.as_json())
        with contextlib.suppress(OSError):  # others may be at work in it
            (self._root / PARTIAL).rmdir()
        remove_if_free(self._root / LOCK)

    def _hold(self, digest: str) -> None:
        """Nobody cleans somebody's layout."""


class StorePlace(LayoutPlace):
    """The store."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.root)
        self._name = "the store"
        self._content = store
        self._layout = WritableLayout(store.root)
        self._store = store

    def resolve(self, reference: str) -> Descriptor:
        """The image of a reference.

        Raises:
            NotFoundError: `store.no-image`.
            UsageError: `reference.bad`.
        """
        return self._store.resolve(Reference.parse(reference))

    def finish(self, descriptor: Descriptor, raw: bytes, names: Sequence[str]) -> None:
        """Keep the outermost document, and name it.

        Raises:
            DeadlineError, SpaceError, HostError: the index cannot be written.
        """
        self.put_manifest(descriptor, raw)
        for name in names:
            self._store.tag(Reference.parse(name), descriptor)

    def _hold(self, digest: str) -> None:
        self._store.hold(digest)
