"""What of an image is to be copied: its documents, and the blobs that they name."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from bootworthy.errors import NotFoundError
from bootworthy.oci.documents import (
    CONFIGS,
    INDEXES,
    MANIFESTS,
    PLATFORM,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    Platform,
    parse_document,
)
from bootworthy.oci.fields import LIMIT, document_error, too_large
from bootworthy.oci.transfer.parallel import Crew
from bootworthy.oci.transfer.places import Source
from bootworthy.vocabulary import Architecture

DEEPEST = 8
"""Indexes within indexes; people need two."""
MOST = 20_000
"""Manifests below one index."""

Known = Callable[[Descriptor], bytes | None]
Platforms = Collection[Architecture]


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest or an index that is copied."""

    descriptor: Descriptor
    raw: bytes = field(repr=False)
    below: tuple[Descriptor, ...]
    """The documents that it names and that are copied too."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be copied."""

    documents: tuple[Document, ...]
    """Each after everything that it names; the outermost is the last."""
    blobs: tuple[Descriptor, ...]
    """Each once, the largest first."""
    absent: tuple[Descriptor, ...]
    """Documents that an index names and the source has not."""
    left_out: tuple[Descriptor, ...]
    """Documents that an index names and nobody wanted."""

    @property
    def top(self) -> Document:
        """The outermost document."""
        return self.documents[-1]

    @property
    def size(self) -> int:
        """Bytes of everything."""
        return sum(each.size for each in self.blobs) + sum(len(each.raw) for each in self.documents)


def gather(
    source: Source, top: Descriptor, *, known: Known, platforms: Platforms | None = None, parallel: int = 4,
) -> Plan:  # fmt: skip
    """Read every document below one that is wanted.

    With `platforms`, of an index that is what runs there, and of a bundle what belongs to it; None is everything.
    `known` gives documents that need not be read from the source.

    Raises:
        NotFoundError: `oci.no-platform`; or a document is missing.
        DocumentError: `oci.too-deep`, `oci.too-many`, `oci.bad-document`, `oci.schema1`.
        IntegrityError: a document is not what its digest says.
    """
    gathering = _Gathering(source, known, platforms, parallel)
    gathering.run(top)
    return gathering.plan(top)


def wanted(entry: Descriptor, platforms: Platforms | None) -> bool:
    """Whether an index's entry belongs to one of some platforms.

    A bundle's kernels say so in an annotation; what says nothing at all belongs to all; `unknown` is for nobody.
    """
    if platforms is None:
        return True
    if said := entry.annotations.get(PLATFORM):
        return any(str(Platform.of(each)) == "/".join(said.split("/")[:2]) for each in platforms)
    return entry.platform is None or any(entry.platform.matches(each) for each in platforms)


def no_platform(name: str, platforms: Platforms, there: Sequence[str]) -> NotFoundError:
    """The error for an image that is not for a wanted architecture."""
    asked = " or ".join(sorted(f"linux/{each.oci}" for each in platforms))
    return NotFoundError(
        "oci.no-platform", f"there is no image for {asked}", where=name,
        hint=f"there is: {', '.join(sorted(set(there)))}" if there else "there is no image in it at all",
    )  # fmt: skip


class _Gathering:
    def __init__(self, source: Source, known: Known, platforms: Platforms | None, parallel: int) -> None:
        self._source = source
        self._known = known
        self._platforms = platforms
        self._parallel = parallel
        self._found: dict[str, Document] = {}
        self._blobs: dict[str, Descriptor] = {}
        self._absent: dict[str, Descriptor] = {}
        self._left_out: dict[str, Descriptor] = {}
        self._runs_on: list[str] = []
        self._chosen = False

    def run(self, top: Descriptor) -> None:
        """Level by level, each level in parallel."""
        level = [top]
        for _ in range(DEEPEST + 1):
            raws: dict[str, bytes | None] = {}

            def read(each: Descriptor, raws: dict[str, bytes | None] = raws) -> None:
                raws[each.digest] = self._read(each, top)

            Crew(self._parallel).run([lambda each=each: read(each) for each in level])  # type: ignore[misc]
            below: dict[str, Descriptor] = {}
            for each in level:
                raw = raws[each.digest]
                if raw is None:
                    self._absent[each.digest] = each
                else:
                    below |= {entry.digest: entry for entry in self._take(each, raw)}
            level = [entry for digest, entry in below.items() if digest not in self._found | self._absent]
            if len(self._found) + len(level) > MOST:
                raise document_error("oci.too-many", "index", self._source.name, f"more than {MOST} manifests in it")
            if not level:
                break
        else:
            message = f"indexes within indexes, more than {DEEPEST} deep"
            raise document_error("oci.too-deep", "index", self._source.name, message)
        if self._platforms is not None and self._runs_on and not self._chosen:
            raise no_platform(self._source.name, self._platforms, self._runs_on)

    def plan(self, top: Descriptor) -> Plan:
        """What was found, in the order in which it is to be written."""
        order: dict[str, Document] = {}
        waiting = [(top.digest, False)]
        while waiting:
            digest, is_done = waiting.pop()
            document = self._found.get(digest)
            if document is None or digest in order:
                continue
            if is_done:
                order[digest] = document
            else:
                waiting.append((digest, True))
                waiting.extend((each.digest, False) for each in reversed(document.below))
        largest_first = sorted(self._blobs.values(), key=lambda each: (-each.size, each.digest))
        return Plan(
            tuple(order.values()), tuple(largest_first), tuple(self._absent.values()), tuple(self._left_out.values())
        )

    def _read(self, descriptor: Descriptor, top: Descriptor) -> bytes | None:
        """One document; None when the source names it and does not have it."""
        raw = self._known(descriptor)
        if raw is not None:
            return raw
        try:
            return self._source.manifest(descriptor)
        except NotFoundError:
            if self._source.sparse and descriptor.digest != top.digest:
                return None
            raise

    def _take(self, descriptor: Descriptor, raw: bytes) -> tuple[Descriptor, ...]:
        where = f"{self._source.name}, {descriptor.digest}"
        document = parse_document(raw, where=where, media_type=descriptor.media_type or None)
        below: tuple[Descriptor, ...] = ()
        if isinstance(document, Index):
            below = self._choose(document)
        else:
            for blob in (document.config, *document.layers):
                self._blobs.setdefault(blob.digest, blob)
            self._judge(document)
        artifact_type = document.artifact_type or descriptor.artifact_type
        described = replace(descriptor, media_type=document.media_type, artifact_type=artifact_type)
        self._found[descriptor.digest] = Document(described, raw, below)
        return below

    def _choose(self, index: Index) -> tuple[Descriptor, ...]:
        chosen = []
        for entry in index.manifests:
            runs = entry.platform is not None and entry.platform.known
            if runs:
                self._runs_on.append(str(entry.platform))
            if not wanted(entry, self._platforms):
                self._left_out[entry.digest] = entry
            elif entry.media_type in INDEXES | MANIFESTS:
                self._chosen = self._chosen or runs
                chosen.append(entry)
            else:
                self._blobs.setdefault(entry.digest, entry)
        return tuple(chosen)

    def _judge(self, manifest: Manifest) -> None:
        """An image that no index speaks for says itself where it runs."""
        if self._platforms is None or self._found or manifest.config.media_type not in CONFIGS:
            return
        config = ImageConfig.parse(small(self._source, manifest.config), where=self._source.name)
        if not any(config.platform.matches(each) for each in self._platforms):
            raise no_platform(self._source.name, self._platforms, [str(config.platform)])


def small(source: Source, descriptor: Descriptor) -> bytes:
    """A small blob: an image configuration.

    Raises:
        DocumentError: `oci.too-large`.
        BootworthyError: as `Source.fetch`.
    """
    if descriptor.size > LIMIT:
        raise too_large("image configuration", source.name, descriptor.size)
    kept = io.BytesIO()
    source.fetch(descriptor, kept)
    return kept.getvalue()
