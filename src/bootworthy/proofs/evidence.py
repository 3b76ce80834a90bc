"""Evidence: one document for each boot that was tried, named by its digest and never replaced.

FOLDER/evidence/SHA256.json     canonical JSON, schema `bootworthy.evidence/1`
FOLDER/console/SHA256.log       what the console showed, named in the document by its digest
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bootworthy.errors import BootworthyError, IntegrityError, NotFoundError
from bootworthy.host import files
from bootworthy.oci.canonical import canonical_json
from bootworthy.proofs.fields import Fields
from bootworthy.vocabulary import Accelerator, Standing, Verdict

SCHEMA = "bootworthy.evidence/1"
_LARGEST = 4 * 2**20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One boot that was tried; `document` is all of it."""

    digest: str
    """`sha256:...` of the document's bytes."""
    document: Mapping[str, object] = field(hash=False, repr=False)
    cell: str | None
    """SYSTEM/KERNEL/MACHINE; None for images that are in no catalog."""
    started: datetime
    verdict: Verdict
    reached: Standing
    """The furthest that was seen of this boot."""
    ending: str
    """How it ended, in words."""
    reasons: tuple[str, ...]
    """Why it is not healthy."""
    vmm: str
    version: str
    accelerator: Accelerator
    images: Mapping[str, str] = field(hash=False)
    """Role, or roles joined with `+`, to digest."""
    plan: str
    """Digest of the launch plan."""
    probe: str | None
    catalog_entry: str | None
    console: str
    """Digest of the console log."""
    times: Mapping[str, float] = field(hash=False)
    """Seconds from the launch, by this host's clock: `kernel`, `userspace`, `healthy`, as far as it came; `ended`."""


def parse(data: bytes, where: str) -> Evidence:
    """Evidence from the bytes of its document.

    Raises:
        IntegrityError: `evidence.corrupt`.
    """
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"

    def bad(path: str, message: str) -> BootworthyError:
        return _corrupt(where, f"{path}: {message}" if path else message)

    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise bad("", f"no JSON: {error}") from error
    top = Fields(document, "", bad)
    if top.text("schema") != SCHEMA:
        raise bad("schema", f"{top.text('schema')!r} is not {SCHEMA}")
    return _read(top, digest)


def _read(top: Fields, digest: str) -> Evidence:
    digests, vmm, host = top.part("digests"), top.part("vmm"), top.part("host")
    try:
        started = datetime.fromisoformat(top.text("started"))
        verdict, reached = Verdict(top.text("verdict")), Standing(top.text("reached"))
        accelerator = Accelerator(host.text("accelerator"))
    except ValueError as error:
        raise top.bad("", str(error)) from error
    if started.tzinfo is None:
        raise top.bad("started", "a time without its zone")
    console = digests.text("console")
    if not _DIGEST.fullmatch(console):
        raise digests.bad("console", "not a sha256 digest")
    return Evidence(
        digest=digest,
        document=top.fields,
        cell=top.text_or_none("cell"),
        started=started,
        verdict=verdict,
        reached=reached,
        ending=top.text("ending"),
        reasons=top.texts("reasons"),
        vmm=vmm.text("name"),
        version=vmm.text("version"),
        accelerator=accelerator,
        images=digests.part("images").all_texts(),
        plan=digests.text("plan"),
        probe=digests.text_or_none("probe"),
        catalog_entry=digests.text_or_none("catalog_entry"),
        console=console,
        times=top.part("times").all_seconds(),
    )


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of merging a folder."""

    added: int
    known: int
    """Documents that were here already."""


class EvidenceStore:
    """A folder of evidence. Nothing in it is ever changed or removed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, document: Mapping[str, object], console: bytes) -> Evidence:
        """Keep a document and its console log; the log's digest is set in the document here.

        Raises:
            SpaceError, HostError: it cannot be written.
        """
        digests = document.get("digests")
        named = {**(digests if isinstance(digests, dict) else {}), "console": _sha(console)}
        data = canonical_json({**document, "digests": named})
        evidence = parse(data, "a new document")
        files.write(self.console_path(evidence.console), console)
        files.write(self.path(evidence.digest), data)
        return evidence

    def path(self, digest: str) -> Path:
        """Where a document is kept."""
        return self.folder / "evidence" / f"{digest.removeprefix('sha256:')}.json"

    def console_path(self, digest: str) -> Path:
        """Where a console log is kept."""
        return self.folder / "console" / f"{digest.removeprefix('sha256:')}.log"

    def all(self) -> tuple[Evidence, ...]:
        """Every document, oldest first.

        Raises:
            IntegrityError: `evidence.corrupt`, when a file is not what its name says.
        """
        found = [parse(data, str(path)) for path, data in _documents(self.folder)]
        return tuple(sorted(found, key=lambda evidence: (evidence.started, evidence.digest)))

    def for_cell(self, name: str) -> tuple[Evidence, ...]:
        """The documents of one cell, oldest first.

        Raises:
            IntegrityError: `evidence.corrupt`.
        """
        return tuple(evidence for evidence in self.all() if evidence.cell == name)

    def console(self, evidence: Evidence) -> bytes:
        """What the console showed.

        Raises:
            NotFoundError: `evidence.no-console`.
            IntegrityError: `evidence.corrupt`.
        """
        path = self.console_path(evidence.console)
        if not path.is_file():
            raise NotFoundError(
                "evidence.no-console", f"the console log of evidence {evidence.digest} is not here", where=str(path),
                hint="merge it from the machine it was recorded on: bootworthy evidence merge DIR",
            )  # fmt: skip
        return _verified(path)

    def merge(self, other: Path) -> Merged:
        """Take over what another folder of evidence has. Everything is verified before anything is written.

        Raises:
            NotFoundError: `evidence.no-folder`, when it holds no evidence folder.
            IntegrityError: `evidence.corrupt`.
        """
        if not (other / "evidence").is_dir():
            raise NotFoundError(
                "evidence.no-folder", "this folder holds no evidence", where=str(other),
                hint="name the folder that has `evidence` and `console` in it",
            )  # fmt: skip
        theirs = EvidenceStore(other)
        incoming = [(parse(data, str(path)), data) for path, data in _documents(other)]
        for evidence, _ in incoming:
            if theirs.console_path(evidence.console).exists():
                theirs.console(evidence)
        added = sum(self._take(theirs, evidence, data) for evidence, data in incoming)
        return Merged(added, len(incoming) - added)

    def _take(self, theirs: EvidenceStore, evidence: Evidence, data: bytes) -> bool:
        log, place = theirs.console_path(evidence.console), self.console_path(evidence.console)
        if log.exists() and not place.exists():
            files.write(place, theirs.console(evidence))
        if self.path(evidence.digest).exists():
            return False
        files.write(self.path(evidence.digest), data)
        return True


def _documents(folder: Path) -> list[tuple[Path, bytes]]:
    return [(path, _verified(path)) for path in sorted((folder / "evidence").glob("[!.]*.json"))]


def _verified(path: Path) -> bytes:
    if path.suffix == ".json" and path.stat().st_size > _LARGEST:
        raise _corrupt(str(path), f"larger than {_LARGEST} bytes")
    data = path.read_bytes()
    if _sha(data) != f"sha256:{path.stem}":
        raise _corrupt(str(path), "its bytes are not what its name says")
    return data


def _sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _corrupt(where: str, message: str) -> IntegrityError:
    return IntegrityError(
        "evidence.corrupt", f"this evidence cannot be used: {message}", where=where,
        hint="move the file away, and merge it again from where it was recorded",
    )  # fmt: skip
