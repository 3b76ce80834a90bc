from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from bootworthy.errors import DocumentError
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host import leases
from bootworthy.host.leases import Lease
from bootworthy.host.locks import locked
from bootworthy.layers import flatten
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.image import Image
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import LEASES, Store
from bootworthy.vocabulary import Architecture
from bootworthy.volumes import convert, garbage
from bootworthy.volumes.clone import clone
from bootworthy.volumes.extract import extract
from bootworthy.volumes.garbage import Collected, Item, Kind, collect
from bootworthy.volumes.identity import Source
from bootworthy.volumes.usage import usage
from tests.oci_images import put_layer, put_small

LATER = 10_000.0


def named(name: str) -> Reference:
    return Reference.parse(f"localhost/{name}:1")


@dataclass(frozen=True)
class Home:
    """A store and a cache in which several images were used, by processes that have ended since."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    def image(self, name: str, text: str | None = None) -> Descriptor:
        """An image with a name, of a layer that it shares with all others and one of its own."""
        store = Store(self.store)
        layers = [put_layer(store, {"shared": b"s" * 50_000}), put_layer(store, {name: (text or name).encode() * 999})]
        descriptor = store.put_image(layers=layers, architecture=Architecture.native(), labels={"name": text or name})
        store.tag(named(name), descriptor)
        return descriptor

    def load(self, name: str) -> Image:
        return Store(self.store).image(named(name))

    def use(self, name: str) -> Path:
        """Make all that the cache keeps of an image; returns its volume."""
        image = self.load(name)
        tree = flatten.tree_of(image, self.cache / "layers")
        source = Source.of(image)
        extract(tree, name.encode(), source.home(self.cache / "files"), image.name)
        volume = convert.Cache(self.cache / "volumes").obtain(lambda: tree, source, "ext4", VolumeOptions()).path
        for folder in ("builds", "builds/newest", "checks"):
            path = self.cache / folder / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"images": {"root": image.descriptor.digest}}))
        return volume

    def collect(self, *replaced: Reference, grace: float = 600, dry_run: bool = False) -> Collected:
        return collect(
            Store(self.store), self.cache, replaced=replaced, now=time.time() + LATER, grace=grace, dry_run=dry_run
        )

    def files(self) -> set[str]:
        every = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file())
        return {
            str(path) for path in every if path.suffix not in {".lock", ".lease"} and path.name not in {"gate", ".lock"}
        }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    for name in ("a", "b"):
        home.image(name)
        home.use(name)
    return home


def test_nothing_goes_while_everything_has_a_name(home: Home) -> None:
    before = home.files()
    assert home.collect().items == ()
    assert home.files() == before


def test_what_only_one_image_had_goes_with_its_name(home: Home, tmp_path: Path) -> None:
    alone = Home(tmp_path / "alone")
    alone.image("a")
    alone.use("a")
    Store(home.store).untag(named("b"))
    planned = home.collect(dry_run=True)
    before = home.files()
    found = home.collect()
    assert found == planned
    assert {item.kind for item in found.items} == set(Kind) - {Kind.SCRATCH}
    assert {item.kind: sum(each.kind is item.kind for each in found.items) for item in found.items} == {
        Kind.BLOB: 3, Kind.BODY: 2, Kind.VOLUME: 1, Kind.FILE: 1, Kind.RECORD: 3,
    }  # fmt: skip
    assert home.files() == alone.files()
    assert before > home.files()
    assert home.load("a").layers
    assert home.collect().items == ()


def test_a_dry_run_removes_nothing(home: Home) -> None:
    Store(home.store).untag(named("b"))
    before = home.files()
    assert home.collect(dry_run=True).items
    assert home.files() == before


def test_young_blobs_stay(home: Home) -> None:
    Store(home.store).untag(named("b"))
    found = home.collect(grace=LATER + 600)
    assert found.young == 3
    assert Kind.BLOB not in {item.kind for item in found.items}


def test_the_last_name_gone_nothing_stays(home: Home) -> None:
    for name in ("a", "b"):
        Store(home.store).untag(named(name))
    home.collect()
    assert home.files() == {"store/index.json", "store/oci-layout"}


class TestInUse:
    def test_an_image_that_somebody_reads(self, home: Home) -> None:
        image = home.load("b")
        Store(home.store).untag(named("b"))
        found = home.collect()
        assert not found.items
        assert found.in_use
        assert image.open_layer(1).read()
        del image
        assert {item.kind for item in home.collect().items} >= {Kind.BLOB, Kind.VOLUME}

    def test_blobs_that_have_no_name_yet(self, home: Home) -> None:
        store = Store(home.store)
        descriptor = put_small(store)
        home.collect()
        store.tag(named("new"), descriptor)
        home.collect()
        assert not store.missing(descriptor)

    def test_blobs_that_were_there_and_had_lost_their_name(self, home: Home) -> None:
        before = home.load("b").descriptor
        Store(home.store).untag(named("b"))
        home.image("c", "b")  # the same configuration but for the name of the file
        store = Store(home.store)
        put_layer(store, {"b": b"b" * 999})
        home.collect()
        layers = [put_layer(store, {"shared": b"s" * 50_000}), put_layer(store, {"b": b"b" * 999})]
        again = store.put_image(layers=layers, architecture=Architecture.native(), labels={"name": "b"})
        assert again.digest == before.digest
        assert not store.missing(again)

    @pytest.mark.parametrize("what", ["volumes", "files", "layers"])
    def test_what_is_leased_of_the_cache(self, home: Home, what: str) -> None:
        image = home.load("b")
        key = image.layers[1].diff_id if what == "layers" else Source.of(image).owner
        del image
        Store(home.store).untag(named("b"))
        before = {path for path in home.files() if path.startswith(f"cache/{what}")}
        with Lease(leases.of_cache(home.cache)) as lease:
            lease.hold(key)
            home.collect()
            assert {path for path in home.files() if path.startswith(f"cache/{what}")} == before
        home.collect()
        assert {path for path in home.files() if path.startswith(f"cache/{what}")} < before

    def test_a_volume_under_an_overlay(self, home: Home, tmp_path: Path) -> None:
        volume = home.use("b")
        made = clone(volume, tmp_path / "vm.qcow2", records=home.cache / "clones")
        Store(home.store).untag(named("b"))
        home.collect()
        assert made.backing is not None
        assert made.backing.exists()
        made.path.unlink()
        home.collect()
        assert not made.backing.exists()
        assert not list((home.cache / "clones").iterdir())

    def test_a_volume_is_leased_by_whoever_obtained_it(self, home: Home) -> None:
        image = home.load("b")
        source = Source.of(image)
        with Lease(leases.of_cache(home.cache)) as lease:
            cache = convert.Cache(home.cache / "volumes", lease)
            tree = flatten.tree_of(image, home.cache / "layers")
            volume = cache.obtain(lambda: tree, source, "ext4", VolumeOptions()).path
            del image
            Store(home.store).untag(named("b"))
            home.collect()
            assert volume.exists()
        home.collect()
        assert not volume.exists()


class TestNamesOfBuilds:
    def test_a_name_that_was_replaced_keeps_nothing(self, home: Home) -> None:
        found = home.collect(named("b"))
        assert found.names == ("localhost/b:1",)
        assert [image.name for image in Store(home.store).images()] == ["localhost/a:1"]
        assert Kind.VOLUME in {item.kind for item in found.items}

    def test_a_dry_run_leaves_the_name(self, home: Home) -> None:
        assert home.collect(named("b"), dry_run=True).names == ("localhost/b:1",)
        assert len(Store(home.store).images()) == 2

    def test_one_that_is_in_use_stays(self, home: Home) -> None:
        image = home.load("b")
        assert home.collect(named("b")).names == ()
        assert image.layers


class TestLeftovers:
    def test_of_dead_processes(self, home: Home) -> None:
        store, cache = home.store, home.cache
        volumes = next((cache / "volumes").iterdir())
        left = [
            store / ".partial" / "blob-abcd", store / ".index.json.x.partial", cache / "scratch" / "kernel-x.scratch",
            cache / "layers" / ".layer-x.scratch", volumes / ".volume.x.partial", cache / "builds" / "dead.lock",
            cache / "builds" / "dead.log", cache / "builds" / "failed.log",
        ]  # fmt: skip
        for path in left:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir() if path.suffix == ".scratch" else path.write_bytes(b"left")
        (left[2] / "more").write_bytes(bytes(100_000))
        found = {item.path for item in home.collect().items if item.kind in {Kind.SCRATCH, Kind.RECORD}}
        assert found >= set(left)
        assert not [path for path in left if path.exists()]

    def test_the_log_of_a_build_that_runs_stays(self, home: Home) -> None:
        log = home.cache / "builds" / "runs.log"
        with locked(log.with_suffix(".lock")):
            log.write_text("CC init/main.o")
            home.collect()
            assert log.exists()
        home.collect()
        assert not log.exists()

    def test_of_those_who_live_stay(self, home: Home) -> None:
        store = Store(home.store)
        with store.new_blob("x") as blob:
            blob.write(b"half")
            assert not [item for item in home.collect().items if item.kind is Kind.SCRATCH and "blob" in item.path.name]
            blob.write(b"whole")
        assert store.read(blob.descriptor) == b"halfwhole"

    def test_of_older_versions(self, home: Home) -> None:
        old = [
            home.cache / "layers" / f"{'a' * 64}.1.body", home.cache / "volumes" / f"{'b' * 64}.ext4",
            home.cache / "files" / ("c" * 64), home.cache / "checks" / "old.json",
        ]  # fmt: skip
        for path in old:
            path.write_text("[]")
        (home.cache / "layers" / "of somebody else").touch()
        home.collect()
        assert not [path for path in old if path.exists()]
        assert (home.cache / "layers" / "of somebody else").exists()


class TestStoresThatAreNotWhole:
    def test_no_blob_goes_when_a_named_image_cannot_be_read(self, home: Home) -> None:
        manifest = Store(home.store).blob_path(home.load("a").descriptor.digest)
        data = manifest.read_bytes()
        manifest.write_bytes(data[:-1] + b" ")
        Store(home.store).untag(named("b"))
        found = home.collect()
        assert found.unreadable == ("localhost/a:1",)
        assert Kind.BLOB not in {item.kind for item in found.items}
        manifest.write_bytes(data)
        assert Kind.BLOB in {item.kind for item in home.collect().items}

    def test_an_index_that_names_what_was_never_fetched(self, home: Home) -> None:
        store = Store(home.store)
        one = home.load("a").descriptor
        other = put_small(store, "elsewhere")
        both = store.put_index([one, other])
        store.tag(named("both"), both)
        store.blob_path(other.digest).unlink()
        Store(home.store).untag(named("b"))
        Store(home.store).untag(named("a"))
        del store
        found = home.collect()
        assert not found.unreadable
        assert Kind.BLOB in {item.kind for item in found.items}
        assert Store(home.store).image(named("both"), Architecture.native()).layers

    def test_an_index_that_cannot_be_read_is_an_error(self, home: Home) -> None:
        (home.store / "index.json").write_text("{")
        before = home.files()
        with pytest.raises(DocumentError):
            home.collect()
        assert home.files() == before

    def test_where_nothing_is_yet(self, tmp_path: Path) -> None:
        empty = Home(tmp_path / "none")
        assert empty.collect().items == ()
        assert not empty.folder.exists()


def test_a_collector_that_dies_anywhere_leaves_a_sound_store(home: Home, tmp_path: Path) -> None:
    """After each of its removals in turn: what has a name is whole, and the next one ends the work."""
    Store(home.store).untag(named("b"))
    count = len(home.collect(dry_run=True).items)
    for limit in range(count):
        pid = os.fork()
        if not pid:
            _die_after(limit, home)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
        store = Store(home.store)
        assert [image.problem for image in store.images()] == [None]
        assert not store.missing(store.resolve(named("a")))
        home.image("b")
        assert not store.missing(Store(home.store).resolve(named("b")))
        home.use("b")
        Store(home.store).untag(named("b"))
    home.collect()
    assert home.collect().items == ()


def _die_after(limit: int, home: Home) -> NoReturn:
    """Collect, and be gone after so many removals."""
    left, remove = iter(range(limit)), garbage._remove

    def dying(item: Item) -> None:
        if next(left, None) is None:
            os._exit(9)
        remove(item)

    garbage._remove = dying
    try:
        home.collect()
    finally:
        os._exit(0)


def test_who_uses_what(home: Home) -> None:
    found = usage(home.store, home.cache)
    assert [image.names for image in found.images] == [("localhost/a:1",), ("localhost/b:1",)]
    a, b = (image.used for image in found.images)
    assert a.shared == b.shared > 0
    assert found.total.blobs == found.total.own == a.own + b.own + a.shared
    assert a.volumes >= 16384
    assert a.bodies > 0
    Store(home.store).untag(named("b"))
    after = usage(home.store, home.cache)
    (alone,) = after.images
    assert (alone.used.own, alone.used.shared) == (a.blobs, 0)
    assert after.total.shared == b.own
    assert not (home.store / LEASES).is_dir() or not list((home.store / LEASES).glob("*.lease"))
    store = Store(home.store)
    store.tag(named("z"), store.resolve(named("a")))
    assert usage(home.store, home.cache).images[0].names == ("localhost/a:1", "localhost/z:1")
    assert usage(home.folder / "no", home.folder / "no").images == ()
