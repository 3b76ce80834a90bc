"""Blobs that come from far: one gets them, others wait, and what a killed one had is used."""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from bootworthy.errors import IntegrityError, NetworkError
from bootworthy.host.locks import locked
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.downloads import Kept, abandoned, download
from bootworthy.oci.store import Store
from bootworthy.volumes.garbage import collect
from tests.moved_images import blobs, left, put_image

DATA = random.Random(1).randbytes(100_000)
BLOB = Descriptor.of(DATA, "")
NAME = f"download-{BLOB.digest.replace(':', '-')}"


def whole(kept: Kept, start: int) -> None:
    assert start == 0
    kept.write(DATA)


def broken(kept: Kept, start: int) -> None:
    kept.write(DATA[start : start + 40_000])
    raise NetworkError("registry.broken", "broke off")


def test_it_is_there_afterwards(tmp_path: Path) -> None:
    assert download(tmp_path, BLOB, whole)
    assert blobs(tmp_path) == {BLOB.digest: BLOB.size}
    assert left(tmp_path) == []
    assert not download(tmp_path, BLOB, broken)


def test_what_came_is_kept_and_used(tmp_path: Path) -> None:
    for start in (0, 40_000):
        with pytest.raises(NetworkError):
            download(tmp_path, BLOB, broken)
        assert (tmp_path / ".partial" / NAME).read_bytes() == DATA[: start + 40_000]

    def rest(kept: Kept, start: int) -> None:
        assert start == 80_000
        assert kept.seek(0) == 0
        assert kept.read(start) == DATA[:start]
        kept.write(DATA[start:])

    assert download(tmp_path, BLOB, rest)
    assert blobs(tmp_path) == {BLOB.digest: BLOB.size}


def test_wrong_bytes_and_nothing_are_not_kept(tmp_path: Path) -> None:
    def wrong(kept: Kept, start: int) -> None:
        kept.write(b"wrong")
        raise IntegrityError("registry.wrong-digest", "wrong")

    def nothing(kept: Kept, start: int) -> None:
        raise NetworkError("registry.unreachable", "nobody there")

    with pytest.raises(IntegrityError):
        download(tmp_path, BLOB, wrong)
    with pytest.raises(NetworkError):
        download(tmp_path, BLOB, nothing)
    assert left(tmp_path) == []


def test_a_blob_of_another_size_is_replaced(tmp_path: Path) -> None:
    download(tmp_path, BLOB, whole)
    path = tmp_path / "blobs" / BLOB.digest.replace(":", "/")
    path.write_bytes(DATA[:5])
    assert download(tmp_path, BLOB, whole)
    assert blobs(tmp_path) == {BLOB.digest: BLOB.size}


def test_others_wait_and_find_it(tmp_path: Path) -> None:
    begun, go = threading.Event(), threading.Event()
    fetched: list[bool] = []

    def slowly(kept: Kept, start: int) -> None:
        begun.set()
        assert go.wait(30)
        whole(kept, start)

    threads = [threading.Thread(target=lambda: fetched.append(download(tmp_path, BLOB, slowly))) for _ in range(5)]
    threads[0].start()
    assert begun.wait(30)
    for each in threads[1:]:
        each.start()
    go.set()
    for each in threads:
        each.join(30)
    assert sorted(fetched) == [False] * 4 + [True]
    assert left(tmp_path) == []


def test_gc_leaves_what_is_young_or_in_work(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    put_image(store)
    with pytest.raises(NetworkError):
        download(store.root, BLOB, broken)
    path = store.root / ".partial" / NAME
    os.utime(path, (1000, 1000))
    assert abandoned(store.root, before=999) == []
    assert abandoned(store.root, before=1000) == [path]

    def clean(now: float) -> None:
        collect(store, tmp_path / "cache", replaced=(), now=now, grace=600)

    clean(1599)
    assert path.exists()
    with locked(path):
        assert abandoned(store.root, before=1000) == []
        clean(1601)
    assert path.exists()
    clean(1601)
    assert not path.exists()


def test_other_writers_leave_it_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.begin()
    with pytest.raises(NetworkError):
        download(tmp_path, BLOB, broken)
    put_image(store)
    assert left(tmp_path) == [NAME]
