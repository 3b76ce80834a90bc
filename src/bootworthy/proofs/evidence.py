"""Evidence: one document for each boot that was tried, named by its digest and never replaced.

FOLDER/evidence/SHA256.json     canonical JSON, schema `bootworthy.evidence/1`
FOLDER/console/SHA256.log       what the console showed, named in the document by its digest
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from bootworthy.errors import BootworthyError, HostError, IntegrityError, NotFoundError
from bootworthy.host import files
from bootworthy.oci.canonical import canonical_json
from bootworthy.proofs.fields import Fields
from bootworthy.vmms.launch import LONGEST_LOG
from bootworthy.vocabulary import Accelerator, Role, Standing, Verdict

SCHEMA = "bootworthy.evidence/1"
LARGEST = 4 * 2**20
"""Bytes of a document."""
LARGEST_CONSOLE = LONGEST_LOG + 2**12
"""Bytes of a console log: what is kept of one, and the line that says that there was more."""
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

    @property
    def root(self) -> str | None:
        """Digest of the image that its root came from."""
        return next((digest for roles, digest in self.images.items() if Role.ROOT in roles.split("+")), None)


def is_digest(text: str) -> bool:
    """Whether this is a digest as documents and console logs are named by; such a string is safe as a path."""
    return _DIGEST.fullmatch(text) is not None


def parse(data: bytes, where: str) -> Evidence:
    """Evidence from the bytes of its document, which are its canonical JSON: no two readers see two things in it.

    Raises:
        IntegrityError: `evidence.corrupt`.
    """
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"

    def bad(path: str, message: str) -> BootworthyError:
        return _corrupt(where, f"{path}: {message}" if path else message)

    if len(data) > LARGEST:
        raise bad("", f"larger than {LARGEST} bytes")
    try:
        document = json.loads(data)
        canonical = canonical_json(document)
    except (ValueError, RecursionError) as error:
        raise bad("", f"no JSON: {error}") from error
    if canonical != data:
        raise bad("", "not the canonical JSON that evidence is written in")
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
    if not is_digest(console):
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

    def take(self, data: bytes, console: bytes | None, where: str) -> bool:
        """Keep a document that comes from elsewhere, with its console log if there is one; False when it was here.

        A log that was missing so far is added then, too.

        Raises:
            IntegrityError: `evidence.corrupt`; then nothing is written.
            SpaceError, HostError: it cannot be written.
        """
        evidence = parse(data, where)
        if console is not None and _sha(console) != evidence.console:
            raise _corrupt(where, "the console log is not the one that the document names")
        if console is not None and not self.console_path(evidence.console).exists():
            files.write(self.console_path(evidence.console), console)
        if self.path(evidence.digest).exists():
            return False
        files.write(self.path(evidence.digest), data)
        return True

    def path(self, digest: str) -> Path:
        """Where a document is kept."""
        return self.folder / "evidence" / f"{digest.removeprefix('sha256:')}.json"

    def console_path(self, digest: str) -> Path:
        """Where a console log is kept."""
        return self.folder / "console" / f"{digest.removeprefix('sha256:')}.log"

    def has(self, digest: str, console: str | None = None) -> bool:
        """Whether a document is here, and a console log."""
        return self.path(digest).exists() and (console is None or self.console_path(console).exists())

    def document(self, evidence: Evidence) -> bytes:
        """The bytes of a document.

        Raises:
            IntegrityError: `evidence.corrupt`.
        """
        return read(self.path(evidence.digest), LARGEST)

    def documents(self) -> Iterator[Path]:
        """The file of every document, sorted; what is in them has not been looked at."""
        folder = self.folder / "evidence"
        try:
            with os.scandir(folder) as entries:
                names = [each.name for each in entries if each.name.endswith(".json") and not each.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in sorted(names):
            yield folder / name

    def all(self) -> tuple[Evidence, ...]:
        """Every document, oldest first.

        Raises:
            IntegrityError: `evidence.corrupt`, when a file is not what its name says.
        """
        found = [parse(read(path, LARGEST), str(path)) for path in self.documents()]
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
        return read(path, LARGEST_CONSOLE)


def read(path: Path, limit: int) -> bytes:
    """The bytes of a file that is named by their digest, in a folder that may come from anywhere.

    Raises:
        IntegrityError: `evidence.corrupt`: it has more bytes than the limit, or others; or it is no file.
        HostError: `evidence.unreadable`.
    """
    try:
        # Without waiting, because a pipe would for ever.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _corrupt(str(path), "it is no file")
            data = file.read(limit + 1)
    except OSError as error:
        raise HostError("evidence.unreadable", f"could not read: {error.strerror}", where=str(path)) from error
    if len(data) > limit:
        raise _corrupt(str(path), f"larger than {limit} bytes")
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
