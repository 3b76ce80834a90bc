from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import HostError, IntegrityError, NotFoundError
from bootworthy.oci.canonical import canonical_json
from bootworthy.proofs.evidence import LARGEST, EvidenceStore, parse
from bootworthy.vocabulary import Accelerator, Standing, Verdict
from tests.reports import CELL, DIGEST, OTHER, evidence


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


def test_what_comes_from_elsewhere_is_kept_once(tmp_path: Path) -> None:
    here, there = EvidenceStore(tmp_path / "here"), EvidenceStore(tmp_path / "there")
    one = there.put(evidence(), b"console")
    data = there.document(one)
    assert not here.has(one.digest)
    assert here.take(data, None, "there")
    assert here.has(one.digest)
    assert not here.has(one.digest, one.console)
    assert not here.take(data, b"console", "there")
    assert here.has(one.digest, one.console)
    assert here.console(one) == b"console"
    assert here.all() == (one,)


def test_a_document_with_the_console_of_another_is_not_kept(tmp_path: Path) -> None:
    here, there = EvidenceStore(tmp_path / "here"), EvidenceStore(tmp_path / "there")
    data = there.document(there.put(evidence(), b"console"))
    with pytest.raises(IntegrityError) as caught:
        here.take(data, b"other", "there")
    assert (caught.value.code, caught.value.where) == ("evidence.corrupt", "there")
    assert not here.folder.exists()


def test_the_root_is_found_among_joined_roles(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    assert store.put(evidence(), b"").root == DIGEST
    assert store.put(evidence(digests__images={"kernel": DIGEST, "root+initrd": OTHER}), b"").root == OTHER
    assert store.put(evidence(digests__images={"kernel": DIGEST}), b"").root is None


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.mkdir()


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)


@pytest.mark.parametrize("make", [_pipe, _folder, _device, _large])
def test_what_is_no_document_is_named_and_not_read_for_ever(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "evidence" / f"{'0' * 64}.json"
    path.parent.mkdir()
    make(path)
    with pytest.raises((IntegrityError, HostError)) as caught:
        EvidenceStore(tmp_path).all()
    assert caught.value.where == str(path)


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


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data + b"\n",
        lambda data: data.replace(b'"cell":', b'"cell": '),
        lambda data: data.replace(b'"verdict":', b'"verdict":"panicked","verdict":'),
        lambda data: data.replace(b"0.5", b"NaN"),
        lambda data: data.replace(b"0.5", b"0.50"),
        lambda data: data.replace(b'"reasons":[]', b'"reasons":' + b"[" * 200_000 + b"]" * 200_000),
        lambda data: data.replace(b'"cpu":"some"', b'"cpu":"\\ud800"'),
        lambda data: data + b" " * LARGEST,
    ],
    ids=["newline", "space", "twice", "nan", "number", "deep", "surrogate", "large"],
)
def test_a_document_that_two_readers_may_read_differently_is_refused(change: Callable[[bytes], bytes]) -> None:
    data = canonical_json(evidence())
    parse(data, "here")
    assert change(data) != data
    with pytest.raises(IntegrityError) as caught:
        parse(change(data), "here")
    assert caught.value.code == "evidence.corrupt"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        parse(data, "here")
