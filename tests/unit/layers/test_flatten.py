import contextlib
import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from bootworthy.errors import IntegrityError
from bootworthy.host.progress import Quiet, Task
from bootworthy.layers.flatten import take, tree_of
from bootworthy.layers.image import Image
from bootworthy.oci.store import Store
from tests.made_layers import tarred
from tests.oci_images import put_small

BLOCK_OF_ZEROS = 65536


@dataclass
class Descriptor:
    digest: str
    size: int
    media_type: str = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass
class Layer:
    descriptor: Descriptor
    diff_id: str


@dataclass
class Made:
    name: str = "a test image"
    layers: list[Layer] = field(default_factory=list)
    blobs: list[bytes] = field(default_factory=list)
    opened: list[int] = field(default_factory=list)

    def add(self, name: str, content: bytes) -> None:
        data = tarred([(tarfile.TarInfo(name), content)])
        blob = gzip.compress(data, mtime=0)
        self.layers.append(Layer(Descriptor(sha256(blob), len(blob)), sha256(data)))
        self.blobs.append(blob)

    def open_layer(self, number: int) -> BinaryIO:
        self.opened.append(number)
        return io.BytesIO(self.blobs[number])


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def made() -> Made:
    image = Made()
    for name, content in [("a", b"1"), ("b", b"2"), (".wh.a", b""), ("b", b"3"), ("b", b"2")]:
        image.add(name, content)
    return image


def test_layers_are_taken_in_once_and_merged_in_order(made: Made, tmp_path: Path) -> None:
    image: Image = made
    tree = tree_of(image, tmp_path)
    assert list(tree.root.children) == [b"b"]
    assert tree.read(tree.root.children[b"b"]) == b"2"
    assert sorted(made.opened) == [0, 1, 2, 3]  # the last layer is the second once more
    assert len(tree.bodies) == 5


def test_the_second_time_nothing_is_inflated(made: Made, tmp_path: Path) -> None:
    first = take(made, tmp_path)
    made.blobs = [b"gone"] * 5
    assert take(made, tmp_path) == first


def test_an_image_without_layers_is_an_empty_tree(tmp_path: Path) -> None:
    assert not tree_of(Made(), tmp_path).root.children


def test_other_bytes_that_inflate_to_the_same_are_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    image = store.image(put_small(store))
    path = store.blob_path(image.layers[0].descriptor.digest)
    good = path.read_bytes()
    path.write_bytes(good[:4] + bytes([good[4] ^ 1]) + good[5:])  # the time in gzip's header
    with pytest.raises(IntegrityError) as caught:
        tree_of(image, tmp_path / "layers")
    assert caught.value.code == "store.corrupt-blob"
    assert not list((tmp_path / "layers").iterdir())
    path.write_bytes(good)
    assert tree_of(image, tmp_path / "layers").root.children


def test_a_broken_promise_names_the_layer(made: Made, tmp_path: Path) -> None:
    made.layers[2].diff_id = sha256(b"other")
    with pytest.raises(IntegrityError) as caught:
        tree_of(made, tmp_path)
    assert caught.value.code == "layer.wrong-diff-id"
    assert caught.value.where is not None
    assert caught.value.where.startswith("a test image, layer 3 of 5, sha256:")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_diff_id_that_cannot_be_checked_is_refused(made: Made, tmp_path: Path) -> None:
    made.layers[0].diff_id = "sha512:" + "00" * 64
    with pytest.raises(IntegrityError) as caught:
        tree_of(made, tmp_path)
    assert caught.value.code == "layer.unknown-digest"


def test_when_one_layer_is_bad_the_others_stop(made: Made, tmp_path: Path) -> None:
    class Endless(io.RawIOBase):
        """A layer that would go on for ever."""

        def read(self, size: int = -1) -> bytes:
            return bytes(BLOCK_OF_ZEROS)

    made.layers, made.blobs = made.layers[:2], made.blobs[:2]
    made.blobs[0] = b"\x1f\x8b\x08 nothing"
    made.layers[1].descriptor.media_type = "application/vnd.oci.image.layer.v1.tar"
    opened = made.open_layer
    made.open_layer = lambda number: cast("BinaryIO", Endless()) if number == 1 else opened(number)  # type: ignore[method-assign]
    with pytest.raises(IntegrityError) as caught:
        tree_of(made, tmp_path)
    assert caught.value.where is not None
    assert caught.value.where.startswith("a test image, layer 1 of 2")
    assert not list(tmp_path.iterdir())


def test_progress_is_told_of_every_compressed_byte(made: Made, tmp_path: Path) -> None:
    class Counting(Quiet):
        def __init__(self) -> None:
            self.total: int | None = None
            self.done = 0

        @contextlib.contextmanager
        def task(self, title: str, total: int | None = None) -> Iterator[Task]:
            self.total = total
            yield self

        def advance(self, amount: int) -> None:
            self.done += amount

        def skip(self, amount: int) -> None:
            raise AssertionError

    progress = Counting()
    tree_of(made, tmp_path, progress)
    assert progress.done == progress.total == sum(map(len, made.blobs[:4]))
