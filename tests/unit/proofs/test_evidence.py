from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError, NotFoundError
from bootworthy.oci.canonical import canonical_json
from bootworthy.proofs.evidence import EvidenceStore, parse
from bootworthy.vocabulary import Accelerator, Standing, Verdict
from tests.reports import CELL, DIGEST, evidence


def test_evidence_is_named_by_its_digest_and_so_is_its_console(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.put(evidence(), b"Linux version\n")
    data = store.path(kept.digest).read_bytes()
    assert kept.digest == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert data == canonical_json(json.loads(data))
    assert store.console(kept) == b"Linux version\n"
    assert kept.console == f"sha256:{hashlib.sha256(b'Linux version' + bytes([10])).hexdigest()}"


def test_evidence_reads_as_it_was_written(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.put(evidence(), b"")
    (read,) = store.all()
    assert read == kept
    assert (read.cell, read.verdict, read.reached) == (CELL, Verdict.HEALTHY, Standing.HEALTHY)
    assert (read.vmm, read.version, read.accelerator) == ("qemu-microvm", "10.0.2", Accelerator.TCG)
    assert read.images == {"root": DIGEST, "kernel": DIGEST}
    assert read.times == {"kernel": 0.5, "userspace": 4.0, "healthy": 9.0}


def test_all_are_kept_and_come_oldest_first(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    for hours in (3, 1, 2):
        store.put(evidence(hours), b"same console")
    store.put(evidence(4, cell="other/cell/x"), b"")
    assert [one.started.hour for one in store.all()] == [4, 5, 6, 7]
    assert len(store.for_cell(CELL)) == 3
    assert len(list((tmp_path / "console").iterdir())) == 2


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert EvidenceStore(tmp_path / "none").all() == ()


def test_a_changed_document_is_named(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    path = store.path(store.put(evidence(verdict="unhealthy"), b"").digest)
    path.write_bytes(path.read_bytes().replace(b"unhealthy", b"healthy"))
    with pytest.raises(IntegrityError) as caught:
        store.all()
    assert caught.value.code == "evidence.corrupt"
    assert caught.value.where == str(path)


def test_a_changed_or_missing_console_is_named(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.put(evidence(), b"console")
    store.console_path(kept.console).write_bytes(b"other")
    with pytest.raises(IntegrityError):
        store.console(kept)
    store.console_path(kept.console).unlink()
    with pytest.raises(NotFoundError):
        store.console(kept)


def test_merging_adds_what_is_new_and_changes_nothing_else(tmp_path: Path) -> None:
    here, there = EvidenceStore(tmp_path / "here"), EvidenceStore(tmp_path / "there")
    both = evidence(1)
    here.put(both, b"1")
    here.put(evidence(2), b"2")
    there.put(both, b"1")
    new = there.put(evidence(3), b"3")
    merged = here.merge(there.folder)
    assert (merged.added, merged.known) == (1, 1)
    assert len(here.all()) == 3
    assert here.console(new) == b"3"
    assert here.merge(there.folder).added == 0


def test_merging_takes_nothing_from_a_folder_with_one_bad_file(tmp_path: Path) -> None:
    here, there = EvidenceStore(tmp_path / "here"), EvidenceStore(tmp_path / "there")
    there.put(evidence(1), b"1")
    there.console_path(there.put(evidence(2), b"2").console).write_bytes(b"x")
    with pytest.raises(IntegrityError):
        here.merge(there.folder)
    assert here.all() == ()


def test_merging_needs_evidence(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        EvidenceStore(tmp_path).merge(tmp_path / "none")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"schema": "bootworthy.evidence/2"}, "schema"),
        ({"verdict": "fine"}, "fine"),
        ({"host__accelerator": "xen"}, "xen"),
        ({"started": "yesterday"}, "yesterday"),
        ({"started": "2026-01-01T00:00:00"}, "started"),
        ({"digests__console": "sha256:../../x"}, "digests.console"),
        ({"digests__images": ["root"]}, "digests.images"),
        ({"times": {"kernel": "soon"}}, "times.kernel"),
        ({"vmm": None}, "vmm"),
    ],
)
def test_a_document_that_cannot_be_understood_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        parse(canonical_json(evidence(**changes)), "here")  # type: ignore[arg-type]
    assert words in caught.value.message


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse(data, "here")
