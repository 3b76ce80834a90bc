"""save and load: the same bytes for the same images, and every name that people have for them."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from bootworthy.errors import BootworthyError, IntegrityError, NotFoundError, UsageError
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.archive import ArchiveWriter
from bootworthy.oci.transfer.copy import copy
from bootworthy.oci.transfer.load import load
from bootworthy.oci.transfer.local import StorePlace
from tests.moved_images import AMD, blobs, put_bundle, put_image, put_index


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    put_index(store)
    store.tag(Reference.parse("localhost/one:1"), put_image(store, seed=9))
    return store


def save(store: Store, path: Path, *names: str, called: str | None = None) -> None:
    with ArchiveWriter(path) as archive:
        for name in names:
            top = store.resolve(Reference.parse(name))
            copy(StorePlace(store), archive, top, [name if called is None else called] if called != "" else [])


def test_the_same_images_give_the_same_bytes(store: Store, tmp_path: Path) -> None:
    save(store, tmp_path / "a.tar", "localhost/both:1", "localhost/one:1")
    save(store, tmp_path / "b.tar", "localhost/one:1", "localhost/both:1")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        members = tar.getmembers()
        assert [each.name for each in members] == sorted(each.name for each in members)
        assert {each.mtime for each in members} == {0}
        assert {(each.uid, each.gid, each.uname) for each in members} == {(0, 0, "")}
        assert sum(each.isfile() for each in members) == len(blobs(store.root)) + 3
    assert (tmp_path / "a.tar").stat().st_size % 10240 == 0


def for_docker(path: Path) -> dict[str, list[str]]:
    """What `manifest.json` has: for each configuration the names; every file that it speaks of is there."""
    with tarfile.open(path) as tar:
        if "manifest.json" not in tar.getnames():
            return {}
        file = tar.extractfile("manifest.json")
        assert file is not None
        images = json.loads(file.read())
        for each in images:
            assert set(tar.getnames()) >= {each["Config"], *each["Layers"]}
    return {each["Config"].replace("blobs/sha256/", "sha256:"): each["RepoTags"] for each in images}


def test_those_who_know_no_layouts_find_what_is_for_one_platform(store: Store, tmp_path: Path) -> None:
    one, both = Reference.parse("localhost/one:1"), Reference.parse("localhost/both:1")
    config = store.image(one).manifest.config.digest
    bundle = put_bundle(store)
    save(store, tmp_path / "a.tar", str(both), str(one), "localhost/bundle:1")
    assert for_docker(tmp_path / "a.tar") == {config: [str(one)]}
    store.tag(one.tagged("2"), store.resolve(one))
    save(store, tmp_path / "b.tar", "localhost/one:2", str(one))
    assert for_docker(tmp_path / "b.tar") == {config: [str(one), "localhost/one:2"]}
    with ArchiveWriter(tmp_path / "c.tar") as archive:
        for name, top in ((both, store.resolve(both)), (Reference.parse("localhost/bundle:1"), bundle)):
            copy(StorePlace(store), archive, top, [str(name)], platforms={AMD})
    configs = [store.image(each, AMD).manifest.config.digest for each in (both, bundle)]
    assert for_docker(tmp_path / "c.tar") == {
        configs[0]: [str(both)], configs[1]: ["localhost/bundle:1"],
    }  # fmt: skip
    for nothing, called in ((str(both), None), (str(one), ""), (str(one), "v1")):
        save(store, tmp_path / "d.tar", nothing, called=called)
        assert for_docker(tmp_path / "d.tar") == {}


def test_back_again(store: Store, tmp_path: Path) -> None:
    save(store, tmp_path / "a.tar", "localhost/both:1", "localhost/one:1")
    got = Store(tmp_path / "got")
    reports = load(tmp_path / "a.tar", got)
    assert [each.names for each in reports] == [("localhost/both:1",), ("localhost/one:1",)]
    assert blobs(got.root) == blobs(store.root)
    for name in ("localhost/both:1", "localhost/one:1"):
        reference = Reference.parse(name)
        assert got.resolve(reference).digest == store.resolve(reference).digest
    entries = json.loads((got.root / "index.json").read_text())["manifests"]
    assert all("io.containerd.image.name" not in each["annotations"] for each in entries)
    assert [each.moved for each in load(tmp_path / "a.tar", got)] == [0, 0]


def test_nothing_is_named_before_all_is_there(store: Store, tmp_path: Path) -> None:
    save(store, tmp_path / "a.tar", "localhost/both:1", "localhost/one:1")
    data = bytearray((tmp_path / "a.tar").read_bytes())
    wrong = store.image(Reference.parse("localhost/one:1")).layers[0].descriptor
    at = data.index(store.blob_path(wrong.digest).read_bytes())
    data[at] ^= 1
    (tmp_path / "a.tar").write_bytes(data)
    got = Store(tmp_path / "got")
    with pytest.raises(IntegrityError) as caught:
        load(tmp_path / "a.tar", got)
    assert caught.value.code == "store.corrupt-blob"
    assert "a.tar" in (caught.value.where or "")
    assert got.images() == ()
    blobs(got.root)


def test_what_is_there_is_verified_in_the_file_too(store: Store, tmp_path: Path) -> None:
    save(store, tmp_path / "a.tar", "localhost/one:1")
    data = bytearray((tmp_path / "a.tar").read_bytes())
    layer = store.image(Reference.parse("localhost/one:1")).layers[0].descriptor
    data[data.index(store.blob_path(layer.digest).read_bytes()) + 50] ^= 1
    (tmp_path / "a.tar").write_bytes(data)
    with pytest.raises(IntegrityError) as caught:
        load(tmp_path / "a.tar", store)
    assert layer.digest in caught.value.message


class TestNames:
    @pytest.mark.parametrize(
        ("called", "given", "named"),
        [
            ("v1", "localhost/x", "localhost/x:v1"),
            ("v1", "localhost/x:2", "localhost/x:2"),
            ("", "localhost/x:2", "localhost/x:2"),
            ("", "localhost/x", "localhost/x:latest"),
            ("localhost/own:3", None, "localhost/own:3"),
            ("localhost/own:3", "localhost/x:4", "localhost/x:4"),
        ],
    )
    def test_one_image(self, store: Store, tmp_path: Path, called: str, given: str | None, named: str) -> None:
        save(store, tmp_path / "a.tar", "localhost/one:1", called=called)
        got = Store(tmp_path / "got")
        load(tmp_path / "a.tar", got, name=given)
        assert [each.name for each in got.images()] == [named]

    @pytest.mark.parametrize("called", ["v1", ""])
    def test_no_full_name(self, store: Store, tmp_path: Path, called: str) -> None:
        save(store, tmp_path / "a.tar", "localhost/one:1", called=called)
        with pytest.raises(UsageError) as caught:
            load(tmp_path / "a.tar", Store(tmp_path / "got"))
        assert caught.value.code == "load.no-name"
        assert "--as" in (caught.value.hint or "")
        assert not (tmp_path / "got").exists()

    def test_several_images_keep_their_tags(self, store: Store, tmp_path: Path) -> None:
        with ArchiveWriter(tmp_path / "a.tar") as archive:
            for name, tag in (("localhost/both:1", "a"), ("localhost/one:1", "b")):
                copy(StorePlace(store), archive, store.resolve(Reference.parse(name)), [tag])
        got = Store(tmp_path / "got")
        with pytest.raises(UsageError):
            load(tmp_path / "a.tar", got, name="localhost/x:1")
        load(tmp_path / "a.tar", got, name="localhost/x")
        assert [each.name for each in got.images()] == ["localhost/x:a", "localhost/x:b"]

    def test_two_images_of_one_name(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(UsageError) as caught:
            save(store, tmp_path / "a.tar", "localhost/one:1", "localhost/both:1", called="localhost/x:1")
        assert caught.value.code == "transfer.same-name"
        assert not (tmp_path / "a.tar").exists()


@pytest.mark.parametrize("content", [None, b"", b"no tar", b"\x1f\x8b\x08gzip"])
def test_what_is_no_archive(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(BootworthyError) as caught:
        load(tmp_path / "a.tar", Store(tmp_path / "got"))
    assert caught.value.exit_status in {2, 3, 9}
    assert not (tmp_path / "got").exists()


def test_an_archive_without_an_image(tmp_path: Path) -> None:
    with ArchiveWriter(tmp_path / "a.tar"):
        pass
    with pytest.raises(NotFoundError) as caught:
        load(tmp_path / "a.tar", Store(tmp_path / "got"))
    assert caught.value.code == "layout.empty"


def test_what_goes_wrong_leaves_the_old_file(store: Store, tmp_path: Path) -> None:
    save(store, tmp_path / "a.tar", "localhost/one:1")
    before = (tmp_path / "a.tar").read_bytes()
    layer = store.image(Reference.parse("localhost/both:1")).layers[0].descriptor
    store.blob_path(layer.digest).write_bytes(bytes(layer.size))
    with pytest.raises(IntegrityError):
        save(store, tmp_path / "a.tar", "localhost/both:1")
    assert (tmp_path / "a.tar").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["store", "a.tar"] or len(list(tmp_path.iterdir())) == 2
