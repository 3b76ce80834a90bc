"""Where images are read from and written to; `copy.copy` brings an image from a `Source` to a `Destination`.

`local.py` has the store and other layouts, `archive.py` archives, `remote.py` registries; `named.py` finds the place
that a person writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol

from bootworthy.host.progress import Progress
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.registry.download import Sink
from bootworthy.oci.registry.remote import Advance, nobody

__all__ = ["Advance", "Destination", "Sink", "Source", "nobody"]


class Source(Protocol):
    """A place that images are read from. Threads may share it."""

    @property
    def name(self) -> str:
        """What people call it: `the store`, `oci:DIR`, `docker://registry.example/debian-12`."""

    @property
    def sparse(self) -> bool:
        """Whether an index here may name images that are not here."""

    def resolve(self, reference: str) -> Descriptor:
        """The manifest or index that a name stands for here: a tag or digest of a registry, a reference of the store,
        the name in a layout; an empty one is the only image there is."""  # fmt: skip

    def manifest(self, descriptor: Descriptor) -> bytes:
        """A manifest or an index, verified."""

    def fetch(self, descriptor: Descriptor, sink: Sink, *, start: int = 0, advance: Advance = nobody) -> None:
        """Write one blob to a sink; only when this returns it was the blob.

        With `start`, the sink has so many bytes of an earlier run, and is a file that is open for reading and writing.
        """

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """One blob as a stream that raises before its end when it is not what the descriptor says."""


class Destination(Protocol):
    """A place that images are written to. Threads may share it."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def sparse(self) -> bool:
        """Whether it takes an index without all that the index names."""

    @property
    def parallel(self) -> int:
        """The most blobs that it takes at a time."""

    def known(self, descriptor: Descriptor) -> bytes | None:
        """A manifest or index that is there already, where that is cheap to know."""

    def put(self, descriptor: Descriptor, source: Source, progress: Progress, advance: Advance) -> bool:
        """Take a blob from a source; False when it is there, or need not be sent. Half a blob is never visible.

        `advance` counts the bytes that had to be moved, each once.
        """

    def put_manifest(self, descriptor: Descriptor, raw: bytes) -> None:
        """Take a manifest or an index; what is in it is there."""

    def finish(self, descriptor: Descriptor, raw: bytes, names: Sequence[str]) -> None:
        """Take the outermost document, and give it names as this place spells them."""
