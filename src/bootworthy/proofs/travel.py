"""Evidence beside images in registries: sent to where the image is, and fetched from there.

An attempt refers to the image that its root came from, and to no other: that is the image a cell is named after, it
has one digest wherever it is proved, and an index or a bundle changes with each image that joins it.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from bootworthy.errors import DocumentError, IntegrityError, NotFoundError, UsageError
from bootworthy.host import files
from bootworthy.host.progress import QUIET, Progress, Task
from bootworthy.oci.digest import short
from bootworthy.oci.documents import INDEXES, MANIFEST, MANIFESTS, Descriptor, Index, parse_document
from bootworthy.oci.registry.referrers import Skip
from bootworthy.oci.registry.repository import Repository
from bootworthy.oci.transfer.parallel import Crew
from bootworthy.oci.written import EMPTY, EMPTY_TYPE
from bootworthy.proofs import artifact
from bootworthy.proofs.artifact import ARTIFACT, CONSOLE, DOCUMENT, Attached
from bootworthy.proofs.evidence import Evidence, EvidenceStore, parse
from bootworthy.vocabulary import Role

_PARALLEL = 4
_MOST_SUBJECTS = 100
_MOST = 10_000
"""Attempts that are looked at of one image."""
_MOST_BYTES = 2**30
"""Bytes that one run fetches of evidence: whoever may write beside an image must not fill the disk."""
_NAMED = 10

_Read = Callable[[Descriptor], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Something beside an image that is no evidence."""

    digest: str
    """Empty where the registry's list does not say one."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of the attempts beside an image."""

    moved: int = 0
    """Sent or fetched."""
    there: int = 0
    others: int = 0
    """Of those that were fetched, how many speak of other images than the one they stand beside."""
    left_out: int = 0
    """More than one run fetches."""
    refused: tuple[Refused, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The report as programs read it."""
        return {
            "moved": self.moved, "there": self.there, "others": self.others, "left-out": self.left_out,
            "refused": [{"digest": each.digest, "why": each.why} for each in self.refused],
        }  # fmt: skip


def subjects(top: Descriptor, read: _Read) -> tuple[Descriptor, ...]:
    """What evidence may speak of in an image: itself and, in an index or a bundle, each root, for every platform.

    Raises:
        UsageError: `evidence.too-many-images`.
        DocumentError, IntegrityError, NotFoundError: the index cannot be read.
    """
    found = {top.digest: top}
    if top.media_type in INDEXES:
        index = parse_document(read(top), where=top.digest, media_type=top.media_type)
        assert isinstance(index, Index)
        found |= {each.digest: each for each in index.manifests if _is_root(each)}
    if len(found) > _MOST_SUBJECTS:
        raise UsageError(
            "evidence.too-many-images", f"{len(found)} images are in it", where=top.digest,
            hint="name one of them by its digest",
        )  # fmt: skip
    return tuple(Descriptor(each.media_type, each.digest, each.size) for each in found.values())


def push(
    repository: Repository, subjects: Sequence[Descriptor], store: EvidenceStore, *, progress: Progress = QUIET
) -> Report:
    """Send every attempt here whose root came from one of these images, unless it is there.

    Raises:
        IntegrityError: `evidence.corrupt`, something here is.
        BootworthyError: as `Repository`.
    """
    every = store.all()
    moved = there = 0
    refused: list[Refused] = []
    with progress.task(f"evidence to {repository.name}") as task:
        for subject in subjects:
            own = [one for one in every if one.root == subject.digest]
            listed = repository.referrers(subject.digest, ARTIFACT, skip=_skipping(refused)) if own else ()
            known = {each.digest for each in listed}
            for one in own:
                document, console = store.document(one), _console(store, one)
                raw = artifact.write(one, document, console, subject)
                if Descriptor.of(raw, MANIFEST).digest in known:
                    there += 1
                    continue
                _send(repository, raw, document, console, task)
                moved += 1
    return _told(Report(moved=moved, there=there, refused=_sorted(refused)), progress)


def relay(
    source: Repository, destination: Repository, subjects: Sequence[Descriptor], *, progress: Progress = QUIET
) -> Report:
    """Send what one repository has of these images to another, verified on the way, and keep nothing of it here.

    What stands beside an image and speaks of others is not sent on.

    Raises:
        SpaceError, HostError: the temporary folder cannot be written.
        BootworthyError: as `pull` and `push`.
    """
    with files.scratch(prefix="bootworthy-evidence-") as folder:
        store = EvidenceStore(folder)
        came = pull(source, subjects, store, progress=progress)
        went = push(destination, subjects, store, progress=progress)
    return replace(went, others=came.others, left_out=came.left_out, refused=_sorted((*came.refused, *went.refused)))


def pull(
    repository: Repository, subjects: Sequence[Descriptor], store: EvidenceStore, *, progress: Progress = QUIET
) -> Report:
    """Fetch what was recorded of these images. Nothing is believed that does not verify, and what does not is named.

    An attempt that stands beside an image and speaks of others is kept: it is stale, and shown as that.

    Raises:
        SpaceError, HostError: it cannot be kept.
        BootworthyError: as `Repository.referrers`; of what is listed, only what the network does to it.
    """
    with progress.task(f"evidence from {repository.name}") as task:
        intake = _Intake(repository, store, task)
        jobs: list[Callable[[], None]] = []
        for subject in subjects:
            listed = repository.referrers(subject.digest, ARTIFACT, skip=_skipping(intake.refused))
            intake.left_out += max(0, len(listed) - _MOST)
            jobs += [lambda each=each, subject=subject: intake.take(each, subject.digest) for each in listed[:_MOST]]  # type: ignore[misc]
        Crew(_PARALLEL).run(jobs)
    return _told(intake.report(), progress)


@dataclass(slots=True)
class _Intake:
    """What comes in, by several threads."""

    repository: Repository
    store: EvidenceStore
    task: Task
    left_out: int = 0
    moved: int = 0
    there: int = 0
    others: int = 0
    refused: list[Refused] = field(default_factory=list)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, listed: Descriptor, subject: str) -> None:
        """One entry of a registry's list."""
        where = f"{self.repository.name}@{listed.digest}"
        try:
            artifact.readable(listed, where)
            _, raw = self.repository.manifest(listed)
            self._keep(artifact.read(listed, raw, subject, where), subject, where)
        except (IntegrityError, DocumentError, NotFoundError) as error:
            with self._lock:
                self.refused.append(Refused(digest=listed.digest, why=_line(error.message)))

    def report(self) -> Report:
        """What came in."""
        return Report(
            moved=self.moved, there=self.there, others=self.others, left_out=self.left_out,
            refused=_sorted(self.refused),
        )  # fmt: skip

    def _keep(self, attached: Attached, subject: str, where: str) -> None:
        console = attached.console
        if self.store.has(attached.document.digest, console.digest if console else None):
            with self._lock:
                self.there += 1
            return
        with self._lock:
            self._bytes += attached.size
            if self._bytes > _MOST_BYTES:
                self.left_out += 1
                return
        data = self._fetched(attached.document)
        evidence = parse(data, where)
        if console is not None and console.digest != evidence.console:
            raise artifact.refused(where, "the console log is not the one that the document names")
        log = self._fetched(console) if console is not None else None
        with self._lock:
            if not self.store.take(data, log, where):
                self.there += 1
                return
            self.moved += 1
            self.others += subject not in evidence.images.values()

    def _fetched(self, wanted: Descriptor) -> bytes:
        sink = io.BytesIO()
        self.repository.fetch(wanted, sink, advance=self.task.advance)
        return sink.getvalue()


def _send(repository: Repository, raw: bytes, document: bytes, console: bytes | None, task: Task) -> None:
    for data, kind in ((EMPTY, EMPTY_TYPE), (document, DOCUMENT), (console, CONSOLE)):
        if data is not None:
            repository.put_blob(Descriptor.of(data, kind), _Bytes(data), advance=task.advance)
    repository.put_manifest(Descriptor.of(raw, MANIFEST), raw)


@dataclass(frozen=True, slots=True)
class _Bytes:
    """Bytes that can be sent again."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def open(self) -> io.BytesIO:
        return io.BytesIO(self.data)


def _is_root(entry: Descriptor) -> bool:
    runs = entry.platform is None or entry.platform.known
    return entry.media_type in MANIFESTS and runs and (entry.role is None or Role.ROOT in entry.role.split("+"))


def _console(store: EvidenceStore, evidence: Evidence) -> bytes | None:
    """None where only the document was merged."""
    return store.console(evidence) if store.console_path(evidence.console).exists() else None


def _skipping(refused: list[Refused]) -> Skip:
    """Notes entries of a registry's list that cannot be read."""

    def skip(digest: str, why: str, /) -> None:
        refused.append(Refused(digest=digest, why=_line(f"its entry in the registry's list cannot be read: {why}")))

    return skip


def _sorted(refused: Iterable[Refused]) -> tuple[Refused, ...]:
    return tuple(sorted(refused, key=lambda each: (each.digest, each.why)))


def _line(words: str) -> str:
    """One line that writes nothing else to a terminal: some of it may be somebody else's words."""
    return "".join(each if each.isprintable() else " " for each in words)[:300]


def _told(report: Report, progress: Progress) -> Report:
    for line in _notes(report):
        progress.note(line)
    return report


def _notes(report: Report) -> list[str]:
    notes = [
        f"left out {short(each.digest) if each.digest else 'something'}: {each.why}" for each in report.refused[:_NAMED]
    ]
    if len(report.refused) > _NAMED:
        notes.append(f"left out {len(report.refused) - _NAMED} more things that are no evidence")
    if report.left_out:
        notes.append(f"left out {report.left_out} attempts: that is more than one run fetches")
    if report.others:
        notes.append(f"{report.others} attempts speak of other images than the one they stand beside")
    return notes
