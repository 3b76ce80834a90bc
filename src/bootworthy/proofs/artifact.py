"""Evidence as an OCI artifact: one manifest an attempt, which refers to the image that it speaks of.

Its layers are the document and the console log, byte for byte. What a manifest says of itself, in annotations, is for
people who look at a registry; nothing here believes it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from bootworthy.errors import IntegrityError
from bootworthy.oci.documents import MANIFESTS, Descriptor, Manifest, parse_document
from bootworthy.oci.written import artifact_bytes
from bootworthy.proofs.evidence import LARGEST, LARGEST_CONSOLE, Evidence, is_digest

ARTIFACT = "application/vnd.bootworthy.evidence.v1+json"
DOCUMENT = "application/vnd.bootworthy.evidence.document.v1+json"
CONSOLE = "application/vnd.bootworthy.evidence.console.v1"

_TITLE = "org.opencontainers.image.title"
_CREATED = "org.opencontainers.image.created"
_CELL, _VERDICT, _VMM = "dev.bootworthy.cell", "dev.bootworthy.verdict", "dev.bootworthy.vmm"
_LARGEST_MANIFEST = 2**16


@dataclass(frozen=True, slots=True)
class Attached:
    """What a manifest has of an attempt."""

    document: Descriptor
    console: Descriptor | None
    """None where only the document is there."""

    @property
    def size(self) -> int:
        """Bytes of both."""
        return self.document.size + (self.console.size if self.console else 0)


def write(evidence: Evidence, document: bytes, console: bytes | None, subject: Descriptor) -> bytes:
    """The manifest of an attempt. The same attempt and subject make the same bytes, on whichever machine.

    The layers' titles are where the files lie in a folder of evidence, so that other programs which fetch artifacts
    make a folder that can be merged.
    """
    layers = [_titled(Descriptor.of(document, DOCUMENT), "evidence", "json")]
    if console is not None:
        layers.append(_titled(Descriptor.of(console, CONSOLE), "console", "log"))
    said = {
        _CELL: evidence.cell, _VERDICT: evidence.verdict.value, _VMM: f"{evidence.vmm} {evidence.version}",
        _CREATED: evidence.started.isoformat(timespec="seconds"),
    }  # fmt: skip
    return artifact_bytes(ARTIFACT, layers, subject, {name: text for name, text in said.items() if text is not None})


def read(descriptor: Descriptor, raw: bytes, subject: str, where: str) -> Attached:
    """What there is in a manifest that a registry listed as speaking of `subject`.

    Raises:
        IntegrityError: `evidence.refused`.
        DocumentError: `oci.bad-document`, `oci.too-large`.
    """
    document = parse_document(raw, where=where, media_type=descriptor.media_type)
    if not isinstance(document, Manifest) or document.artifact_type != ARTIFACT:
        raise refused(where, "it is another thing than its entry says")
    if document.subject is None or document.subject.digest != subject:
        raise refused(where, "it refers to another image")
    documents = [each for each in document.layers if each.media_type == DOCUMENT]
    consoles = [each for each in document.layers if each.media_type == CONSOLE]
    if len(documents) != 1 or len(consoles) > 1:
        raise refused(where, f"{len(documents)} documents and {len(consoles)} console logs are in it")
    for each, limit in [*((one, LARGEST) for one in documents), *((one, LARGEST_CONSOLE) for one in consoles)]:
        if not is_digest(each.digest):
            raise refused(where, "its digests are not sha256")
        if each.size > limit:
            raise refused(where, f"{each.size} bytes, and {limit} is the most that evidence has there")
    return Attached(documents[0], consoles[0] if consoles else None)


def readable(descriptor: Descriptor, where: str) -> None:
    """See that an entry of a registry's list is worth fetching.

    Raises:
        IntegrityError: `evidence.refused`.
    """
    if descriptor.media_type not in MANIFESTS:
        raise refused(where, "it is no manifest")
    if descriptor.size > _LARGEST_MANIFEST:
        raise refused(where, f"a manifest of {descriptor.size} bytes, and {_LARGEST_MANIFEST} is the most for evidence")


def refused(where: str, message: str) -> IntegrityError:
    """The error for what is no evidence of ours."""
    return IntegrityError(
        "evidence.refused", f"this is no evidence: {message}", where=where,
        hint="see who may write to the repository; bootworthy rm docker://REF deletes there",
    )  # fmt: skip


def _titled(layer: Descriptor, folder: str, ending: str) -> Descriptor:
    name = PurePosixPath(folder, f"{layer.digest.partition(':')[2]}.{ending}")
    return replace(layer, annotations={_TITLE: str(name)})
