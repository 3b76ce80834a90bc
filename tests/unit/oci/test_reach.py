from __future__ import annotations

from pathlib import Path

from bootworthy.oci.layout import Layout
from bootworthy.oci.reach import described, reach
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.oci_images import put_small


def test_everything_below_an_index_is_reached_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    images = [put_small(store, text) for text in ("a", "b")]
    inner = store.put_index(images)
    outer = store.put_index([inner, images[0]])
    found = reach(Layout(tmp_path), [outer, outer])
    assert found.problem is None
    assert set(found.blobs) == {f"sha256:{path.name}" for path in (tmp_path / "blobs/sha256").iterdir()}
    assert sum(found.blobs.values()) == sum(path.stat().st_size for path in (tmp_path / "blobs/sha256").iterdir())
    loaded = [store.image(image, Architecture.X86_64) for image in images]
    assert found.configs == {image.manifest.config.digest for image in loaded}
    assert found.diff_ids == {layer.diff_id for image in loaded for layer in image.layers}


def test_what_is_not_there_is_no_problem_and_what_is_corrupt_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    images = [put_small(store, text) for text in ("a", "b")]
    index = store.put_index(images)
    store.blob_path(images[0].digest).unlink()
    found = reach(Layout(tmp_path), [index])
    assert found.problem is None
    assert len(found.blobs) == 5
    path = store.blob_path(images[1].digest)
    path.write_bytes(path.read_bytes()[:-1] + b" ")
    assert reach(Layout(tmp_path), [index]).problem is not None


def test_blobs_say_what_they_are(tmp_path: Path) -> None:
    store = Store(tmp_path)
    image = put_small(store)
    index = store.put_index([image])
    loaded = store.image(image, Architecture.X86_64)
    layout = Layout(tmp_path)
    assert described(layout, index.digest) == index.plain()
    found = described(layout, image.digest)
    assert found is not None
    assert found.media_type == image.media_type
    for digest in (loaded.manifest.config.digest, loaded.layers[0].descriptor.digest):
        found = described(layout, digest)
        assert found is not None
        assert found.media_type == ""
    assert described(layout, "sha256:" + "0" * 64) is None
