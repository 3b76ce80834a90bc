from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bootworthy.errors import DocumentError, IntegrityError
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.documents import INDEX, MANIFEST, Descriptor
from bootworthy.proofs import artifact
from bootworthy.proofs.evidence import LARGEST, LARGEST_CONSOLE, EvidenceStore
from tests.reports import CELL, DIGEST, OTHER, evidence

IMAGE = Descriptor(MANIFEST, DIGEST, 500)


def made(tmp_path: Path, console: bytes | None = b"console", **changes: object) -> bytes:
    store = EvidenceStore(tmp_path)
    one = store.put(evidence(**changes), console or b"")  # type: ignore[arg-type]
    return artifact.write(one, store.document(one), console, IMAGE)


def read(raw: bytes, media_type: str = MANIFEST, subject: str = DIGEST) -> artifact.Attached:
    return artifact.read(Descriptor.of(raw, media_type), raw, subject, "here")


def test_a_manifest_as_the_specification_has_it(tmp_path: Path) -> None:
    fields = json.loads(made(tmp_path))
    assert fields["artifactType"] == "application/vnd.bootworthy.evidence.v1+json"
    assert fields["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    }  # fmt: skip
    assert fields["subject"] == {"mediaType": MANIFEST, "digest": DIGEST, "size": 500}
    assert fields["annotations"] == {
        "dev.bootworthy.cell": CELL, "dev.bootworthy.verdict": "healthy", "dev.bootworthy.vmm": "qemu-microvm 10.0.2",
        "org.opencontainers.image.created": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    assert [layer["mediaType"] for layer in fields["layers"]] == [artifact.DOCUMENT, artifact.CONSOLE]


def test_titles_are_the_names_in_a_folder_of_evidence(tmp_path: Path) -> None:
    titles = [each["annotations"]["org.opencontainers.image.title"] for each in json.loads(made(tmp_path))["layers"]]
    assert all((tmp_path / title).is_file() for title in titles)


def test_the_same_attempt_makes_the_same_bytes_anywhere(tmp_path: Path) -> None:
    assert made(tmp_path / "here") == made(tmp_path / "there")
    assert made(tmp_path / "here") != made(tmp_path / "there", hours=1)


def test_it_reads_as_it_was_written(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    one = store.put(evidence(), b"console")
    found = read(artifact.write(one, store.document(one), b"console", IMAGE))
    assert found.document.digest == one.digest
    assert found.console is not None
    assert found.console.digest == one.console
    assert found.size == store.path(one.digest).stat().st_size + 7
    assert read(artifact.write(one, store.document(one), None, IMAGE)).console is None


def test_images_in_no_catalog_have_no_cell(tmp_path: Path) -> None:
    assert "dev.bootworthy.cell" not in json.loads(made(tmp_path, cell=None))["annotations"]


def layer(kind: str = artifact.DOCUMENT, digest: str = DIGEST, size: int = 10) -> dict[str, object]:
    return {"mediaType": kind, "digest": digest, "size": size}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"artifactType": "application/x"}, "another thing"),
        ({"subject": layer(MANIFEST, OTHER)}, "another image"),
        ({"subject": None}, "another image"),
        ({"layers": []}, "0 documents"),
        ({"layers": [layer(), layer()]}, "2 documents"),
        ({"layers": [layer(), layer(artifact.CONSOLE), layer(artifact.CONSOLE)]}, "2 console logs"),
        ({"layers": [layer(digest=f"sha512:{'a' * 128}")]}, "not sha256"),
        ({"layers": [layer(size=LARGEST + 1)]}, "is the most"),
        ({"layers": [layer(), layer(artifact.CONSOLE, size=LARGEST_CONSOLE + 1)]}, "is the most"),
        ({"layers": [layer(size=10**30)]}, ""),
        ({"layers": [layer(digest="sha256:../../../etc/passwd")]}, ""),
        ({"layers": [layer(size=-1)]}, ""),
        ({"layers": {}}, ""),
        ({"mediaType": INDEX}, ""),
    ],
)
def test_what_is_no_evidence_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    raw = canonical_json(json.loads(made(tmp_path)) | changes)
    with pytest.raises((IntegrityError, DocumentError)) as caught:
        read(raw)
    assert words in caught.value.message


def test_other_layers_do_no_harm(tmp_path: Path) -> None:
    fields = json.loads(made(tmp_path))
    fields["layers"].append(layer("application/x", size=10**12))
    assert read(canonical_json(fields)).console is not None


def test_an_index_is_no_evidence(tmp_path: Path) -> None:
    with pytest.raises((IntegrityError, DocumentError)):
        read(canonical_json({"schemaVersion": 2, "artifactType": artifact.ARTIFACT, "manifests": []}), INDEX)
    assert read(made(tmp_path)).document.media_type == artifact.DOCUMENT


@pytest.mark.parametrize("listed", [Descriptor(INDEX, DIGEST, 500), Descriptor(MANIFEST, DIGEST, 2**16 + 1)])
def test_entries_that_are_not_worth_fetching(listed: Descriptor) -> None:
    artifact.readable(IMAGE, "here")
    with pytest.raises(IntegrityError) as caught:
        artifact.readable(listed, "here")
    assert caught.value.code == "evidence.refused"
