"""Evidence of an image, and what somebody with bad intent puts beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bootworthy.oci.documents import MANIFEST, Descriptor
from bootworthy.proofs import artifact
from bootworthy.proofs.evidence import Evidence, EvidenceStore
from tests.registry.storage import Storage
from tests.reports import evidence


def recorded(store: EvidenceStore, root: str, hours: float = 0, console: bytes = b"Linux version\n") -> Evidence:
    """A healthy attempt with a root image of some digest."""
    return store.put(evidence(hours, digests__images={"root": root, "kernel": root}), console)


def attach(
    storage: Storage, name: str, subject: Descriptor, document: bytes, console: bytes | None = None, **fields: Any
) -> str:
    """Put something into a registry as evidence is put there, unchecked; `fields` of its manifest are others.

    Layers are `[media type, bytes, digest, size]` where they are not those of the document and the console.
    """
    layers = fields.pop("layers", None)
    if layers is None:
        layers = [[artifact.DOCUMENT, document], *([[artifact.CONSOLE, console]] if console is not None else [])]
    made = []
    for media_type, content, *said in layers:
        found = Descriptor.of(content, media_type)
        storage.put_blob(name, content, said[0] if said else None)
        made.append(
            {"mediaType": media_type, "digest": said[0] if said else found.digest,
             "size": said[1] if len(said) > 1 else found.size}
        )  # fmt: skip
    storage.put_blob(name, b"{}")
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact.ARTIFACT,
        "config": Descriptor.of(b"{}", "application/vnd.oci.empty.v1+json").as_json(), "layers": made,
        "subject": subject.as_json(), **fields,
    }  # fmt: skip
    return storage.put_manifest(name, json.dumps(manifest).encode(), MANIFEST)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, and where symbolic links lead."""
    return {
        str(path.relative_to(folder)): path.readlink().as_posix().encode() if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }
