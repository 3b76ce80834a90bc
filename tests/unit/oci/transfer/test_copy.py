"""Images between all kinds of places: what arrives, in which order, and what is not sent again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootworthy.errors import CredentialsError, IntegrityError, NotFoundError, RefusedError, UsageError
from bootworthy.oci.documents import INDEX, Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer import named
from bootworthy.oci.transfer.copy import Report, copy
from bootworthy.oci.transfer.local import LayoutPlace, StorePlace
from bootworthy.oci.transfer.pull import pull
from bootworthy.oci.transfer.remote import Registries
from bootworthy.vocabulary import Architecture
from tests.moved_images import AMD, ARM, OTHER, blobs, left, put_bundle, put_image, put_index
from tests.registry import Registry, faults


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def move(store: Store, source: str, to: str, *, platforms: set[Architecture] | None = None) -> Report:
    registries = Registries()
    return named.transfer(named.source(source, store, registries), to, store, registries, platforms=platforms)


def fetch(store: Store, name: str, **more: object) -> Report:
    return pull(Reference.parse(name), store, Registries(), **more)  # type: ignore[arg-type]


class TestEverywhere:
    def test_a_round_through_all_places(self, store: Store, tmp_path: Path) -> None:
        top = put_index(store)
        whole = blobs(store.root)
        with Registry() as registry:
            places = [
                f"docker://{registry.host}/a:1", f"docker://{registry.host}/b/c:2", f"oci:{tmp_path / 'layout'}:v1",
                f"oci-archive:{tmp_path / 'file.tar'}:v1", f"oci:{tmp_path / 'again'}", "localhost/back:1",
            ]  # fmt: skip
            before = "localhost/both:1"
            for place in places:
                report = move(store, before, place)
                assert report.descriptor.digest == top.digest
                assert report.absent == ()
                before = place
            assert registry.asked("POST", "mount=")
            assert [each.target for each in registry.asked("GET", "/a/blobs/")] == []
        assert blobs(tmp_path / "layout") == whole == blobs(tmp_path / "again")
        assert store.resolve(Reference.parse("localhost/back:1")).digest == top.digest
        assert report.moved == 0
        assert report.there_bytes == sum(size for digest, size in whole.items() if digest in each_blob(store, top))

    def test_between_registries_nothing_lands_here(self, store: Store, tmp_path: Path) -> None:
        put_image_named(store, sizes=(9_000_000, 10))  # in chunks, or in one piece: more than one is sent by PATCH
        with Registry() as one, Registry() as other:
            move(store, "localhost/one:1", f"docker://{one.host}/x:1")
            empty = Store(tmp_path / "empty")
            report = move(empty, f"docker://{one.host}/x:1", f"docker://{other.host}/y:1")
            assert not empty.root.exists()
            assert report.moved == 3
            got = Store(tmp_path / "got")
            assert fetch(got, f"{other.host}/y:1").moved_bytes == report.moved_bytes
        assert blobs(got.root) == blobs(store.root)

    def test_only_what_is_missing_is_sent(self, store: Store) -> None:
        put_image_named(store)
        with Registry() as registry:
            move(store, "localhost/one:1", f"docker://{registry.host}/x:1")
            sent = len(registry.asked("POST"))
            report = move(store, "localhost/one:1", f"docker://{registry.host}/x:2")
            assert len(registry.asked("POST")) == sent == 3
            assert (report.moved, report.moved_bytes, report.there) == (0, 0, 3)
            assert registry.storage.repository("x").tags.keys() == {"1", "2"}

    def test_names_come_last(self, store: Store) -> None:
        put_index(store)
        with Registry() as registry:
            move(store, "localhost/both:1", f"docker://{registry.host}/x:1")
            puts = [each.target for each in registry.asked("PUT", "/manifests/")]
            assert puts[-1].endswith("/manifests/1")
            assert all("sha256:" in each for each in puts[:-1])
            first = registry.log.index(registry.asked("PUT", "/manifests/")[0])
            assert not [each for each in registry.log[first:] if "/blobs/" in each.target]

    def test_half_a_push_is_invisible(self, store: Store) -> None:
        put_index(store)
        blob = max(blobs(store.root).items(), key=lambda each: each[1])[0]
        path = store.blob_path(blob)
        path.write_bytes(path.read_bytes()[:-1] + b"!")
        with Registry() as registry:
            with pytest.raises(IntegrityError) as caught:
                move(store, "localhost/both:1", f"docker://{registry.host}/x:1")
            assert caught.value.code == "store.corrupt-blob"
            assert registry.asked("PUT", "/manifests/") == []
            assert registry.storage.blob("x", blob) is None

    def test_wrong_bytes_are_never_kept(self, store: Store, tmp_path: Path) -> None:
        put_image_named(store)
        with Registry([faults.wrong_bytes(path="/blobs/", times=None)]) as registry:
            move(store, "localhost/one:1", f"docker://{registry.host}/x:1")
            got = Store(tmp_path / "got")
            with pytest.raises(IntegrityError):
                fetch(got, f"{registry.host}/x:1", parallel=1)
            with Registry() as other, pytest.raises(IntegrityError):
                move(store, f"docker://{registry.host}/x:1", f"docker://{other.host}/x:1")
            assert other.storage.repositories == {} or not other.storage.repository("x").blobs
        assert blobs(got.root) == {}
        assert left(got.root) == []
        assert got.images() == ()


class TestPlatforms:
    def test_pull_takes_what_runs_here(self, store: Store, tmp_path: Path) -> None:
        top = put_index(store)
        got = Store(tmp_path / "got")
        with Registry() as registry:
            name = f"{registry.host}/x:1"
            move(store, "localhost/both:1", f"docker://{name}")
            report = fetch(got, name)
            assert report.descriptor.digest == top.digest
            assert report.absent == (f"linux/{OTHER.oci}",)
            assert got.image(Reference.parse(name)).config.platform.matches(Architecture.native())
            with pytest.raises(NotFoundError) as caught:
                got.image(Reference.parse(name), OTHER)
            assert caught.value.code == "oci.not-fetched"
            assert f"here is: linux/{Architecture.native().oci}" in (caught.value.hint or "")
            (shown,) = got.images()
            assert shown.problem is None
            assert (shown.platforms, shown.absent) == ((f"linux/{Architecture.native().oci}",), report.absent)
            assert [each.digest for each in got.missing(top)] == [each_image(store, top)[OTHER]]
            # the rest, and then all is there
            again = fetch(got, name, architecture=OTHER)
            assert again.absent == ()
            assert got.missing(top) == ()
            assert blobs(got.root) == blobs(store.root)
            log = len(registry.log)
            assert fetch(got, name, everything=True).moved == 0
            assert [each.method for each in registry.log[log:]] == ["HEAD"]

    def test_only_the_other_platform_is_here(self, store: Store, tmp_path: Path) -> None:
        put_index(store)
        got = Store(tmp_path / "got")
        with Registry() as registry:
            move(store, "localhost/both:1", f"docker://{registry.host}/x:1")
            fetch(got, f"{registry.host}/x:1", architecture=OTHER)
        image = got.image(Reference.parse(f"{registry.host}/x:1"))
        assert image.config.platform.matches(OTHER)

    def test_a_bundle_comes_with_its_kernel(self, store: Store, tmp_path: Path) -> None:
        put_bundle(store)
        got = Store(tmp_path / "got")
        with Registry() as registry:
            move(store, "localhost/bundle:1", f"docker://{registry.host}/x:1")
            report = fetch(got, f"{registry.host}/x:1", architecture=ARM)
            assert report.moved == 2 * 2 + 1  # two configurations, and layers: two of the root, one of the kernel
            assert report.absent == ("linux/amd64",)
            assert report.descriptor.artifact_type == "application/vnd.bootworthy.bundle.v1+json"
            with pytest.raises(UsageError) as caught:
                move(store, "localhost/bundle:1", f"docker://{registry.host}/y:1", platforms={ARM})
            assert caught.value.code == "transfer.whole-bundle"

    def test_what_is_not_for_us_names_what_there_is(self, store: Store, tmp_path: Path) -> None:
        store.tag(Reference.parse("localhost/arm:1"), store.put_index([put_image(store, architecture=OTHER)]))
        store.tag(Reference.parse("localhost/alone:1"), put_image(store, architecture=OTHER))
        got = Store(tmp_path / "got")
        with Registry() as registry:
            for name in ("arm", "alone"):
                move(store, f"localhost/{name}:1", f"docker://{registry.host}/{name}:1")
            with pytest.raises(NotFoundError) as caught:
                fetch(got, f"{registry.host}/arm:1")
            assert caught.value.hint == f"there is: linux/{OTHER.oci}"
            with pytest.raises(NotFoundError) as caught:
                fetch(got, f"{registry.host}/alone:1", architecture=Architecture.native())
            assert caught.value.hint == f"there is: linux/{OTHER.oci}"
            assert got.images() == ()
            # who names what is no index means it
            assert fetch(got, f"{registry.host}/alone:1").moved == 3

    def test_a_registry_gets_one_image_or_all(self, store: Store, tmp_path: Path) -> None:
        top = put_index(store)
        sparse = Store(tmp_path / "sparse")
        with Registry() as registry:
            move(store, "localhost/both:1", f"docker://{registry.host}/x:1")
            name = f"{registry.host}/x:1"
            fetch(sparse, name)
            with pytest.raises(NotFoundError) as caught:
                move(sparse, name, f"docker://{registry.host}/y:1")
            assert caught.value.code == "transfer.incomplete"
            assert f"linux/{OTHER.oci}" in caught.value.message
            native = Architecture.native()
            report = move(sparse, name, f"docker://{registry.host}/y:1", platforms={native})
            assert report.descriptor.digest == each_image(store, top)[native]
            archived = move(sparse, name, f"oci-archive:{tmp_path / 'sparse.tar'}")
            assert archived.absent == (f"linux/{OTHER.oci}",)

    def test_attestations_are_for_nobody(self, store: Store, tmp_path: Path) -> None:
        image = put_image(store)
        attestation = {"mediaType": image.media_type, "digest": put_image(store, seed=5).digest, "size": image.size}
        entries = [image.as_json(), attestation | {"platform": {"os": "unknown", "architecture": "unknown"}}]
        raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
        store.tag(Reference.parse("localhost/x:1"), store.put_bytes(raw, INDEX))
        got = Store(tmp_path / "got")
        with Registry() as registry:
            move(store, "localhost/x:1", f"docker://{registry.host}/x:1")
            assert fetch(got, f"{registry.host}/x:1").moved == 3
        assert got.image(Reference.parse(f"{registry.host}/x:1")).descriptor.digest == image.digest


class TestLimits:
    def test_indexes_within_indexes(self, store: Store, tmp_path: Path) -> None:
        top = put_image(store)
        for depth in range(9):
            top = store.put_index([top], annotations={"depth": str(depth)})
            if depth == 7:
                copy(StorePlace(store), LayoutPlace(tmp_path / "out"), top, ["deep"])
        with pytest.raises(Exception, match="more than 8 deep"):
            copy(StorePlace(store), LayoutPlace(tmp_path / "out"), top, ["deeper"])

    def test_a_loop_in_an_order_that_is_shared(self, store: Store, tmp_path: Path) -> None:
        """An index is written after all that it names, however else that is reached."""
        leaf = put_image(store)
        low = store.put_index([leaf], annotations={"n": "low"})
        middle = store.put_index([low], annotations={"n": "middle"})
        top = store.put_index([low, middle, leaf])
        store.tag(Reference.parse("localhost/x:1"), top)
        with Registry() as registry:
            move(store, "localhost/x:1", f"docker://{registry.host}/x:1")
            order = [each.target.rpartition("/")[2] for each in registry.asked("PUT", "/manifests/")]
        assert order == [leaf.digest, low.digest, middle.digest, "1"]

    def test_a_forbidden_reference_is_not_asked_for(self, store: Store) -> None:
        def refuse(reference: Reference) -> None:
            raise RefusedError("catalog.reference-only", str(reference))

        with Registry() as registry:
            registries = Registries(permit=refuse)
            with pytest.raises(RefusedError):
                pull(Reference.parse(f"{registry.host}/x:1"), store, registries)
            with pytest.raises(RefusedError):
                named.source(f"docker://{registry.host}/x:1", store, registries)
            assert registry.log == []

    @pytest.mark.parametrize(
        ("to", "code"),
        [
            ("docker-archive:x.tar", "destination.unsupported"),
            ("dir:x", "source.unsupported"),
            ("oci:", "source.empty"),
            ("docker://Not A Name", "reference.bad"),
            ("docker://localhost/x@sha256:" + 64 * "0", "destination.digest"),
            ("localhost/x@sha256:" + 64 * "0", "destination.digest"),
        ],
    )
    def test_destinations_that_cannot_be(self, store: Store, to: str, code: str) -> None:
        put_image_named(store)
        with pytest.raises(UsageError) as caught:
            move(store, "localhost/one:1", to)
        assert caught.value.code == code

    def test_a_folder_that_is_something_else_is_left_alone(self, store: Store, tmp_path: Path) -> None:
        put_image_named(store)
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine/letter").write_text("dear")
        with pytest.raises(UsageError) as caught:
            move(store, "localhost/one:1", f"oci:{tmp_path / 'mine'}")
        assert caught.value.code == "store.not-empty"
        assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]

    def test_a_layout_keeps_what_others_wrote(self, store: Store, tmp_path: Path) -> None:
        put_image_named(store)
        move(store, "localhost/one:1", f"oci:{tmp_path / 'out'}:v1")
        index = tmp_path / "out/index.json"
        document = json.loads(index.read_text())
        document["annotations"] = {"mine": "yes"}
        index.write_text(json.dumps(document))
        put_image_named(store, seed=7)
        move(store, "localhost/one:1", f"oci:{tmp_path / 'out'}:v2")
        move(store, "localhost/one:1", f"oci:{tmp_path / 'out'}:v2")
        after = json.loads(index.read_text())
        assert after["annotations"] == {"mine": "yes"}
        names = [each["annotations"]["org.opencontainers.image.ref.name"] for each in after["manifests"]]
        assert names == ["v1", "v2"]
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["blobs", "index.json", "oci-layout"]


def test_by_digest(store: Store, tmp_path: Path) -> None:
    image = put_image_named(store)
    got = Store(tmp_path / "got")
    with Registry() as registry:
        move(store, "localhost/one:1", f"docker://{registry.host}/x:1")
        by_digest = f"{registry.host}/x@{image.digest}"
        assert fetch(got, by_digest).names == (by_digest,)
        assert fetch(got, f"{registry.host}/x:new@{image.digest}").names == (f"{registry.host}/x:new",)
        wrong = f"{registry.host}/x@sha256:{64 * '0'}"
        with pytest.raises(NotFoundError):
            fetch(got, wrong)
    assert [each.name for each in got.images()] == [f"{registry.host}/x:new", by_digest]
    got.untag(Reference.parse(by_digest))
    assert [each.name for each in got.images()] == [f"{registry.host}/x:new"]
    assert got.resolve(Reference.parse(by_digest)).digest == image.digest


def test_a_registry_that_breaks_off_is_taken_up_again(store: Store, tmp_path: Path) -> None:
    put_image_named(store, sizes=(3_000_000,))
    got = Store(tmp_path / "got")
    with Registry([faults.reset(1_500_000, path="/blobs/", first=1)]) as registry:
        move(store, "localhost/one:1", f"docker://{registry.host}/x:1")
        report = fetch(got, f"{registry.host}/x:1", parallel=1)
        ranges = [each.headers["range"] for each in registry.asked("GET", "/blobs/") if "range" in each.headers]
    assert len(ranges) == 1
    assert blobs(got.root) == blobs(store.root)
    assert report.moved_bytes == sum(size for digest, size in blobs(got.root).items() if digest != report_of(report))


def test_what_an_earlier_run_had_is_used(store: Store, tmp_path: Path) -> None:
    put_image_named(store, sizes=(3_000_000,))
    got = Store(tmp_path / "got")
    broken = faults.truncated(2_000_000, path="/blobs/.*", times=None)
    with Registry([broken]) as registry:
        registry.faults.append(faults.status(403, path="/blobs/", first=2, times=None))
        move(store, "localhost/one:1", f"docker://{registry.host}/x:1")
        broken.times = 1
        with pytest.raises(CredentialsError):
            pull(Reference.parse(f"{registry.host}/x:1"), got, Registries(), parallel=1)
        assert len(left(got.root)) == 1
        assert got.images() == ()
        registry.faults.clear()
        log = len(registry.log)
        report = fetch(got, f"{registry.host}/x:1")
        asked = [each.headers.get("range") for each in registry.log[log:] if "/blobs/" in each.target]
    assert "bytes=2000000-" in asked
    assert report.there_bytes == 2_000_000
    assert left(got.root) == []
    assert blobs(got.root) == blobs(store.root)


def put_image_named(store: Store, **more: object) -> Descriptor:
    image = put_image(store, **more)  # type: ignore[arg-type]
    store.tag(Reference.parse("localhost/one:1"), image)
    return image


def each_image(store: Store, top: Descriptor) -> dict[Architecture, str]:
    """The digests of the images in an index."""
    return {each: store.image(top, each).descriptor.digest for each in (AMD, ARM)}


def each_blob(store: Store, top: Descriptor) -> set[str]:
    """The digests of what is no document."""
    images = [store.image(top, each) for each in (AMD, ARM)]
    return {blob.digest for image in images for blob in (image.manifest.config, *image.manifest.layers)}


def report_of(report: Report) -> str:
    return report.descriptor.digest
