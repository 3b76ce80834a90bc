from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import SpaceError, UsageError
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host.boot import boot_id
from bootworthy.layers.node import Tree
from bootworthy.volumes.convert import Cache, convert, newest, sparse_digest
from bootworthy.volumes.identity import Source
from tests.trees import Body, directory

SOURCE = Source((f"sha256:{'a' * 64}",), f"sha256:{'b' * 64}")


def tree(folder: Path) -> Tree:
    body = Body()
    return body.tree(directory({b"file": body.file(b"content", mtime=5 * 10**9)}), folder / "body")


def test_a_volume_is_made_once_and_found_again(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> Tree:
        made.append(1)
        return tree(tmp_path)

    cache = Cache(tmp_path / "volumes")
    first = cache.obtain(make, SOURCE, "ext4", VolumeOptions())
    assert cache.obtain(make, SOURCE, "ext4", VolumeOptions()) == first
    assert len(made) == 1
    assert first.digest == f"sha256:{hashlib.sha256(first.path.read_bytes()).hexdigest()}"
    assert cache.obtain(make, SOURCE, "ext4", VolumeOptions(label="root")).path != first.path


def test_a_volume_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "volumes")
    first = cache.obtain(lambda: tree(tmp_path), SOURCE, "ext4", VolumeOptions())
    os.truncate(first.path, 4096)
    assert cache.obtain(lambda: tree(tmp_path), SOURCE, "ext4", VolumeOptions()) == first
    assert sparse_digest(first.path) == first.digest


@pytest.mark.parametrize("harmed", [True, False])
def test_after_the_machine_started_again_a_volume_is_looked_through(tmp_path: Path, *, harmed: bool) -> None:
    made: list[int] = []

    def make() -> Tree:
        made.append(1)
        return tree(tmp_path)

    cache = Cache(tmp_path / "volumes")
    first = cache.obtain(make, SOURCE, "ext4", VolumeOptions())
    (record,) = first.path.parent.glob("*.json")
    status = first.path.stat()
    if harmed:
        first.path.write_bytes(bytes(status.st_size))
        os.utime(first.path, ns=(status.st_atime_ns, status.st_mtime_ns))
    record.write_text(json.dumps({**json.loads(record.read_text()), "boot": "01" * 16}))
    assert cache.obtain(make, SOURCE, "ext4", VolumeOptions()) == first
    assert len(made) == 1 + harmed
    assert sparse_digest(first.path) == first.digest
    assert json.loads(record.read_text())["boot"] == boot_id().hex()


def test_too_small_a_size_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out" / "volume"
    with pytest.raises(SpaceError) as caught:
        convert(tree(tmp_path), SOURCE, "ext4", VolumeOptions(size=1 << 20), out)
    assert caught.value.code == "ext4.too-small"
    assert not out.parent.exists() or not list(out.parent.iterdir())


def test_an_unknown_filesystem_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        convert(tree(tmp_path), SOURCE, "ext3", VolumeOptions(), tmp_path / "out")
    assert caught.value.hint == "did you mean ext4?"


def test_the_newest_time_is_the_volumes(tmp_path: Path) -> None:
    assert newest(tree(tmp_path)) == 5
    assert newest(Tree(directory(mtime=-(10**9)))) == 0
    assert newest(Tree(directory(mtime=2**34 * 10**9))) == 2**32 - 1


def test_ids_derive_from_content_in_order() -> None:
    a, b = (f"sha256:{letter * 64}" for letter in "ab")
    ids = {Source(layers, config).uuid for layers in ((a, b), (b, a), (a,)) for config in (a, b, None)}
    assert len(ids) == 9
    assert all((uuid.version, uuid.variant) == (8, "specified in RFC 4122") for uuid in ids)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.binary(min_size=1, max_size=9000)), max_size=5), st.integers(0, 200_000)
)
def test_holes_are_hashed_like_zeros(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[int, bytes]], size: int
) -> None:
    path = tmp_path_factory.mktemp("sparse") / "file"
    with path.open("wb") as file:
        for block, data in pieces:
            file.seek(block * 4096)
            file.write(data)
        file.truncate(max(size, file.seek(0, os.SEEK_END)))
    assert sparse_digest(path) == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
