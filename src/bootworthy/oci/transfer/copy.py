"""An image from one place to another: only what is missing, blobs first, its names last."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bootworthy.errors import NotFoundError, UsageError
from bootworthy.host.progress import QUIET, Progress
from bootworthy.oci.blobs import drain
from bootworthy.oci.digest import short
from bootworthy.oci.documents import INDEXES, PLATFORM, Descriptor, Index, parse_document
from bootworthy.oci.registry.remote import Advance
from bootworthy.oci.transfer.parallel import Crew
from bootworthy.oci.transfer.places import Destination, Source
from bootworthy.oci.transfer.plan import Plan, Platforms, gather, no_platform, wanted

PARALLEL = 4
"""Blobs on their way at a time."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was copied."""

    source: str
    destination: str
    names: tuple[str, ...]
    """As the destination spells them."""
    descriptor: Descriptor
    """Of the outermost document."""
    moved: int
    """Blobs that were sent or fetched."""
    moved_bytes: int
    there: int
    """Blobs that were there already, or somebody else got meanwhile."""
    there_bytes: int
    """Also what an earlier run had of blobs that were moved."""
    absent: tuple[str, ...]
    """Platforms that the image's index names and that were not copied."""

    def as_json(self) -> dict[str, object]:
        """The report as programs read it."""
        return {
            "source": self.source, "destination": self.destination, "names": list(self.names),
            "digest": self.descriptor.digest, "media-type": self.descriptor.media_type,
            "moved": {"blobs": self.moved, "bytes": self.moved_bytes},
            "there": {"blobs": self.there, "bytes": self.there_bytes}, "absent": list(self.absent),
        }  # fmt: skip


@contextlib.contextmanager
def called(name: str) -> Iterator[None]:
    """Let an error about a missing platform say of which image, as a person named it.

    Raises:
        NotFoundError: `oci.no-platform`.
    """
    try:
        yield
    except NotFoundError as error:
        if error.code == "oci.no-platform":
            error.where = name
        raise


def copy(
    source: Source, destination: Destination, descriptor: Descriptor, names: Sequence[str],
    progress: Progress = QUIET, parallel: int = PARALLEL, platforms: Platforms | None = None, *,
    thorough: bool = False,
) -> Report:  # fmt: skip
    """Copy an image, and give it names at its destination at the very end.

    With `platforms`, of an index only what runs there, and of a bundle what belongs to it. A place that takes no index
    without all that is in it, as a registry, gets the one image of that platform instead.
    `thorough` also reads what need not be moved, and fails when the source's bytes of it are wrong.

    Raises:
        NotFoundError: `oci.no-platform`; `transfer.incomplete`, the source has not all that the destination wants.
        UsageError: `transfer.whole-bundle`, `transfer.one-platform`.
        DocumentError, IntegrityError: something in the image is wrong.
        BootworthyError: as the places.
    """
    if platforms is not None and not destination.sparse:
        descriptor = _narrowed(source, descriptor, platforms)
    plan = gather(source, descriptor, known=destination.known, platforms=platforms, parallel=parallel)
    _require_whole(plan, source, destination)
    tally = _Tally()
    crew = Crew(min(parallel, destination.parallel))
    title = f"copying from {source.name} to {destination.name}"
    with progress.task(title, sum(blob.size for blob in plan.blobs)) as whole:

        def move(blob: Descriptor) -> None:
            moved = tally.begin(whole.advance)
            sent = destination.put(blob, source, progress, crew.counting(moved))
            if thorough and not sent:
                with source.open(blob) as stream:
                    drain(stream)
            whole.skip(tally.end(blob, sent=sent))

        crew.run([lambda blob=blob: move(blob) for blob in plan.blobs])  # type: ignore[misc]
    for document in plan.documents[:-1]:
        destination.put_manifest(document.descriptor, document.raw)
    top = plan.top
    destination.finish(top.descriptor, top.raw, names)
    there = sum(blob.size for blob in plan.blobs) - tally.bytes
    absent = [each for each in (*plan.absent, *plan.left_out) if destination.known(each) is None]
    return Report(
        source.name, destination.name, tuple(names), top.descriptor, tally.moved, tally.bytes,
        len(plan.blobs) - tally.moved, there, _platforms(absent),
    )  # fmt: skip


class _Tally:
    """Bytes and blobs that were moved, counted by several threads."""

    def __init__(self) -> None:
        self.bytes = 0
        self.moved = 0
        self._lock = threading.Lock()
        self._own = threading.local()

    def begin(self, tell: Advance) -> Advance:
        """A count for one blob, in this thread until `end`."""
        self._own.bytes = 0
        own = self._own

        def advance(amount: int, /) -> None:
            with self._lock:
                self.bytes += amount
            own.bytes = getattr(own, "bytes", 0) + amount
            tell(amount)

        return advance

    def end(self, blob: Descriptor, *, sent: bool) -> int:
        """The bytes of the blob that did not have to be moved."""
        with self._lock:
            self.moved += sent
        return max(0, blob.size - int(self._own.bytes))


def _narrowed(source: Source, descriptor: Descriptor, platforms: Platforms) -> Descriptor:
    """The one image in an index that runs on a platform."""
    if descriptor.media_type not in INDEXES:
        return descriptor
    index = parse_document(source.manifest(descriptor), where=source.name, media_type=descriptor.media_type)
    assert isinstance(index, Index)
    if index.artifact_type is not None:
        raise UsageError(
            "transfer.whole-bundle", "a registry takes a bundle whole, or not at all", where=source.name,
            hint="leave out --arch, or copy the member that you want by its own name",
        )  # fmt: skip
    runs = [each for each in index.manifests if each.platform is not None and each.platform.known]
    found = [each for each in runs if wanted(each, platforms)]
    if not found:
        raise no_platform(source.name, platforms, [str(each.platform) for each in runs])
    if len({each.digest for each in found}) > 1:
        raise UsageError(
            "transfer.one-platform", f"{len(found)} images in it are for that, and a registry takes one or all",
            where=source.name, hint="name one by its digest: " + ", ".join(each.digest for each in found),
        )  # fmt: skip
    return found[0]


def _require_whole(plan: Plan, source: Source, destination: Destination) -> None:
    if not plan.absent:
        return
    there = [each for document in plan.documents for each in document.below if each not in plan.absent]
    if destination.sparse and there:
        return
    platforms = ", ".join(_platforms(plan.absent))
    if destination.sparse:
        message, hint = f"of {platforms} only the name is there", f"it was copied without them: {source.name}"
    else:
        message = f"of {platforms} only the name is there, and a registry takes an index with all that is in it"
        hint = "fetch the rest first (bootworthy pull --all-platforms), or send one image of it with --arch"
    raise NotFoundError("transfer.incomplete", message, where=source.name, hint=hint)


def _platforms(entries: Sequence[Descriptor]) -> tuple[str, ...]:
    """What people call some entries of an index."""
    shown = (
        each.annotations.get(PLATFORM)
        or (str(each.platform) if each.platform is not None and each.platform.known else short(each.digest))
        for each in entries
        if each.platform is None or each.platform.known or each.annotations.get(PLATFORM)
    )
    return tuple(dict.fromkeys(shown))
