from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bootworthy.errors import IntegrityError, NotFoundError
from bootworthy.proofs import merge as merging
from bootworthy.proofs.evidence import LARGEST_CONSOLE, EvidenceStore
from bootworthy.proofs.merge import Merged, merge
from tests.reports import evidence


@pytest.fixture
def here(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "there")


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_new_is_added_and_nothing_else_changes(here: EvidenceStore, there: EvidenceStore) -> None:
    both = evidence(1)
    here.put(both, b"1")
    here.put(evidence(2), b"2")
    before = contents(here.folder)
    there.put(both, b"1")
    new = there.put(evidence(3), b"3")
    assert merge(here, [there.folder]) == (Merged(1, 1),)
    assert len(here.all()) == 3
    assert here.console(new) == b"3"
    assert before.items() <= contents(here.folder).items()
    assert merge(here, [there.folder]) == (Merged(0, 2),)


def test_several_folders_and_what_several_have(tmp_path: Path, here: EvidenceStore) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for number, folder in enumerate(folders):
        EvidenceStore(folder).put(evidence(0), b"the same")
        EvidenceStore(folder).put(evidence(1 + number), b"own %d" % number)
    assert merge(here, [*folders, folders[0]]) == (Merged(2, 0), Merged(1, 1), Merged(1, 1), Merged(0, 2))
    together: dict[str, bytes] = {}
    for folder in folders:
        together |= contents(folder)
    assert contents(here.folder) == together
    assert merge(here, [here.folder]) == (Merged(0, 4),)


def test_a_console_that_was_missing_is_added(tmp_path: Path, here: EvidenceStore, there: EvidenceStore) -> None:
    one = there.put(evidence(), b"console")
    shutil.copytree(there.folder / "evidence", tmp_path / "bare/evidence")
    assert merge(here, [tmp_path / "bare"]) == (Merged(1, 0),)
    with pytest.raises(NotFoundError):
        here.console(one)
    assert merge(here, [there.folder]) == (Merged(0, 1),)
    assert here.console(one) == b"console"


def test_nothing_is_taken_when_one_file_is_wrong(tmp_path: Path, here: EvidenceStore, there: EvidenceStore) -> None:
    good = EvidenceStore(tmp_path / "good")
    good.put(evidence(0), b"0")
    there.put(evidence(1), b"1")
    wrong = there.console_path(there.put(evidence(2), b"2").console)
    wrong.write_bytes(b"x")
    with pytest.raises(IntegrityError) as caught:
        merge(here, [good.folder, there.folder])
    assert (caught.value.code, caught.value.where) == ("evidence.corrupt", str(wrong))
    assert not here.folder.exists()


def test_every_file_that_is_not_its_name_is_named(here: EvidenceStore, there: EvidenceStore) -> None:
    paths = [there.path(there.put(evidence(number), b"").digest) for number in range(3)]
    paths[0].write_bytes(paths[1].read_bytes())
    paths[2].rename(paths[2].with_name("other.json"))
    with pytest.raises(IntegrityError) as caught:
        merge(here, [there.folder])
    assert str(paths[0]) in caught.value.message
    assert "other.json" in caught.value.message
    assert str(paths[1]) not in caught.value.message
    assert not here.folder.exists()


def test_only_some_of_many_wrong_files_are_named(here: EvidenceStore, there: EvidenceStore) -> None:
    (there.folder / "evidence").mkdir(parents=True)
    for number in range(30):
        (there.folder / "evidence" / f"{number}.json").write_bytes(b"{}")
    with pytest.raises(IntegrityError) as caught:
        merge(here, [there.folder])
    assert caught.value.message.startswith("30 files cannot be used")
    assert "and 20 more" in caught.value.message
    assert len(caught.value.message.splitlines()) == 12


def test_a_console_that_is_a_pipe_is_named(here: EvidenceStore, there: EvidenceStore) -> None:
    path = there.console_path(there.put(evidence(), b"console").console)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(IntegrityError) as caught:
        merge(here, [there.folder])
    assert caught.value.where == str(path)


def test_a_console_that_is_too_large_is_named(here: EvidenceStore, there: EvidenceStore) -> None:
    there.put(evidence(0), bytes(LARGEST_CONSOLE))
    assert merge(here, [there.folder]) == (Merged(1, 0),)
    path = there.console_path(there.put(evidence(1), bytes(LARGEST_CONSOLE + 1)).console)
    with pytest.raises(IntegrityError) as caught:
        merge(here, [there.folder])
    assert caught.value.where == str(path)
    assert f"larger than {LARGEST_CONSOLE} bytes" in caught.value.message


def test_too_many_documents(here: EvidenceStore, there: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        there.put(evidence(number), b"")
    monkeypatch.setattr(merging, "_MOST", 3)
    assert merge(here, [there.folder]) == (Merged(3, 0),)
    monkeypatch.setattr(merging, "_MOST", 2)
    with pytest.raises(IntegrityError) as caught:
        merge(here, [there.folder])
    assert caught.value.code == "evidence.too-many"


def test_other_files_and_folders_are_left_alone(here: EvidenceStore, there: EvidenceStore) -> None:
    there.put(evidence(), b"console")
    (there.folder / "evidence" / ".half.partial").write_bytes(b"half")
    (there.folder / "evidence" / "notes.txt").write_bytes(b"notes")
    (there.folder / "console" / "orphan.log").write_bytes(b"of nobody")
    assert merge(here, [there.folder]) == (Merged(1, 0),)
    assert len(contents(here.folder)) == 2


def test_a_folder_without_evidence(tmp_path: Path, here: EvidenceStore, there: EvidenceStore) -> None:
    there.put(evidence(), b"")
    with pytest.raises(NotFoundError) as caught:
        merge(here, [there.folder, tmp_path / "none"])
    assert caught.value.where == str(tmp_path / "none")
    assert not here.folder.exists()
