from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bootworthy.errors import BootworthyError, DocumentError, IntegrityError, NotFoundError, RefusedError, UsageError
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import DOCKER_MANIFEST, INDEX, MANIFEST, Descriptor, Index, Manifest
from tests.clients import NAME, Bytes, client, described, noise
from tests.registry import OLD, Registry, Ways, content, digest_of, faults
from tests.registry.faults import Fault

SMALL = content.image()
WANTED = Descriptor(MANIFEST, SMALL.digest, len(SMALL.manifest))
MANIFESTS = "/manifests/"
ZEROS = "sha256:" + "0" * 64


def filled(registry: Registry) -> None:
    SMALL.put(registry.storage, NAME, "v1")


class TestResolving:
    @pytest.mark.parametrize("ways", [Ways(), OLD], ids=["new", "old"])
    @pytest.mark.parametrize("reference", ["v1", SMALL.digest])
    def test_one_question_is_enough(self, ways: Ways, reference: str) -> None:
        with Registry(ways=ways) as registry:
            filled(registry)
            assert client(registry.host).resolve(reference) == WANTED
            assert [each.method for each in registry.log] == ["HEAD"]

    @pytest.mark.parametrize(
        "fault",
        [
            faults.no_digest(method="HEAD", times=None),
            faults.wrong_digest("md5:0", method="HEAD", times=None),
            faults.headers({"content_type": "application/octet-stream"}, method="HEAD", times=None),
            faults.status(405, method="HEAD", times=None),
            faults.wrong_length(-WANTED.size, method="HEAD", times=None),
        ],
    )
    @pytest.mark.parametrize("reference", ["v1", SMALL.digest])
    def test_a_head_that_says_too_little(self, fault: Fault, reference: str) -> None:
        with Registry([fault]) as registry:
            filled(registry)
            assert client(registry.host).resolve(reference) == WANTED

    def test_docker_types(self) -> None:
        docker = content.image(docker=True)
        with Registry() as registry:
            docker.put(registry.storage, NAME, "v1")
            assert client(registry.host).resolve("v1").media_type == DOCKER_MANIFEST

    @pytest.mark.parametrize("method", ["HEAD", "GET"])
    def test_another_digest_than_was_asked_for(self, method: str) -> None:
        with Registry([faults.wrong_digest(method=method)]) as registry:
            filled(registry)
            repository = client(registry.host)
            if method == "HEAD":
                with pytest.raises(IntegrityError) as caught:
                    repository.resolve(SMALL.digest)
            else:
                with pytest.raises(IntegrityError) as caught:
                    repository.manifest("v1")
            assert caught.value.code == "registry.wrong-digest"

    def test_what_a_head_says_of_a_tag_is_held_against_the_bytes(self) -> None:
        with Registry([faults.wrong_digest(method="HEAD")]) as registry:
            filled(registry)
            repository = client(registry.host)
            with pytest.raises((NotFoundError, IntegrityError)):
                repository.manifest(repository.resolve("v1"))

    @pytest.mark.parametrize("method", ["HEAD", "GET"])
    def test_schema_1_is_refused_with_a_sentence(self, method: str) -> None:
        with Registry(ways=Ways(negotiates=False)) as registry:
            content.put_schema_1(registry.storage, NAME, "old")
            repository = client(registry.host)
            with pytest.raises(DocumentError) as caught:
                repository.resolve("old") if method == "HEAD" else repository.manifest("old")
            assert caught.value.code == "oci.schema1"
            assert caught.value.problems[0].hint

    def test_what_is_not_there(self) -> None:
        with Registry() as registry:
            filled(registry)
            for reference in ("v2", ZEROS):
                with pytest.raises(NotFoundError):
                    client(registry.host).resolve(reference)

    @pytest.mark.parametrize("reference", ["", "a b", "../v1", "v1?x=y", "sha256:00", "x" * 129])
    def test_what_is_neither_tag_nor_digest_is_not_asked_for(self, reference: str) -> None:
        with Registry() as registry:
            with pytest.raises(UsageError):
                client(registry.host).resolve(reference)
            assert registry.log == []


class TestManifests:
    @pytest.mark.parametrize("wanted", ["v1", SMALL.digest, WANTED])
    def test_the_bytes_come_as_they_are(self, wanted: str | Descriptor) -> None:
        with Registry() as registry:
            filled(registry)
            assert client(registry.host).manifest(wanted) == (WANTED, SMALL.manifest)

    @pytest.mark.parametrize("wanted", ["v1", SMALL.digest, WANTED])
    @pytest.mark.parametrize("at", [0, -1])
    def test_a_wrong_bit_is_found(self, wanted: str | Descriptor, at: int) -> None:
        with Registry([faults.wrong_bytes(at, path=MANIFESTS)]) as registry:
            filled(registry)
            with pytest.raises(IntegrityError) as caught:
                client(registry.host).manifest(wanted)
            assert caught.value.code == "registry.wrong-digest"

    def test_sha512(self) -> None:
        wanted = described(SMALL.manifest, "sha512")
        with Registry() as registry:
            registry.storage.put_manifest(NAME, SMALL.manifest, MANIFEST, "v1", digest=wanted.digest)
            repository = client(registry.host)
            for reference in ("v1", wanted.digest):
                assert repository.resolve(reference).digest == wanted.digest
                assert repository.manifest(reference)[0].digest == wanted.digest

    def test_another_size_than_the_descriptor_says(self) -> None:
        with Registry() as registry:
            filled(registry)
            with pytest.raises(IntegrityError) as caught:
                client(registry.host).manifest(Descriptor(MANIFEST, SMALL.digest, WANTED.size - 1))
            assert caught.value.code == "registry.wrong-size"

    @pytest.mark.parametrize("wanted", ["tag", "digest", "descriptor", "head"])
    def test_ten_megabytes_are_too_many(self, wanted: str) -> None:
        with Registry() as registry:
            digest = content.put_huge(registry.storage, NAME, "huge")
            repository = client(registry.host)
            with pytest.raises(BootworthyError) as caught:
                if wanted == "head":
                    repository.resolve("huge")
                else:
                    wishes: dict[str, str | Descriptor]
                    wishes = {"tag": "huge", "digest": digest, "descriptor": Descriptor(MANIFEST, digest, 10_000_500)}
                    repository.manifest(wishes[wanted])
            assert caught.value.code in {"oci.too-large", "registry.too-large"}

    def test_a_document_that_is_too_deep(self) -> None:
        with Registry() as registry:
            content.put_deep(registry.storage, NAME, "deep", 100_000)
            with pytest.raises(DocumentError) as caught:
                client(registry.host).manifest("deep")
            assert caught.value.code == "oci.bad-document"

    def test_two_readers_would_see_two_documents(self) -> None:
        """The registry says another type than the document."""
        with Registry([faults.headers({"content_type": INDEX}, path=MANIFESTS)]) as registry:
            filled(registry)
            with pytest.raises(DocumentError):
                client(registry.host).manifest("v1")

    def test_a_document_that_breaks_off_is_asked_for_again(self) -> None:
        with Registry([faults.truncated(10, path=MANIFESTS, times=2)]) as registry:
            filled(registry)
            assert client(registry.host).manifest("v1") == (WANTED, SMALL.manifest)


class TestWalking:
    def test_everything_once_and_in_order(self) -> None:
        second = content.image(b"second\n")
        with Registry() as registry:
            filled(registry)
            second.put(registry.storage, NAME)
            entries = [
                content.descriptor(SMALL.manifest, MANIFEST),
                content.descriptor(second.manifest, MANIFEST),
                content.descriptor(b"something else", "text/plain"),
                content.descriptor(SMALL.manifest, MANIFEST),
            ]
            raw = content.index(*entries)
            registry.storage.put_manifest(NAME, raw, INDEX, "all")
            repository = client(registry.host)
            found = list(repository.walk(repository.resolve("all")))
        assert [each.digest for each, _ in found] == [digest_of(raw), SMALL.digest, second.digest]
        assert [type(document) for _, document in found] == [Index, Manifest, Manifest]

    @pytest.mark.parametrize("levels", [9, 100])
    def test_indexes_in_indexes_end_somewhere(self, levels: int) -> None:
        with Registry() as registry:
            content.put_nested(registry.storage, NAME, "nested", levels)
            repository = client(registry.host)
            with pytest.raises(DocumentError) as caught:
                list(repository.walk(repository.resolve("nested")))
            assert caught.value.code == "oci.too-deep"
            assert len(registry.asked("GET")) < 12

    def test_a_few_are_nothing_to_speak_of(self) -> None:
        with Registry() as registry:
            content.put_nested(registry.storage, NAME, "nested", 8)
            repository = client(registry.host)
            assert len(list(repository.walk(repository.resolve("nested")))) == 9


class TestPutting:
    @staticmethod
    def ready(registry: Registry) -> None:
        registry.storage.put_blob(NAME, SMALL.layer)
        registry.storage.put_blob(NAME, SMALL.config)

    @pytest.mark.parametrize("ways", [Ways(), OLD], ids=["new", "old"])
    @pytest.mark.parametrize("tags", [(), ("v1",), ("v1", "latest")])
    def test_it_is_there_byte_for_byte(self, ways: Ways, tags: tuple[str, ...]) -> None:
        with Registry(ways=ways) as registry:
            self.ready(registry)
            client(registry.host).put_manifest(WANTED, SMALL.manifest, tags)
            for reference in (SMALL.digest, *tags):
                found = registry.storage.manifest(NAME, reference)
                assert found is not None
                assert (found[1].raw, found[1].media_type) == (SMALL.manifest, MANIFEST)
            assert len(registry.asked("PUT")) == max(1, len(tags))

    def test_sha512_is_put_by_digest(self) -> None:
        wanted = Descriptor(MANIFEST, described(SMALL.manifest, "sha512").digest, len(SMALL.manifest))
        with Registry() as registry:
            self.ready(registry)
            client(registry.host).put_manifest(wanted, SMALL.manifest, ["v1"])
            assert registry.storage.manifest(NAME, wanted.digest) is not None

    def test_a_registry_that_took_something_else(self) -> None:
        with Registry([faults.wrong_digest(method="PUT")]) as registry:
            self.ready(registry)
            with pytest.raises(IntegrityError) as caught:
                client(registry.host).put_manifest(WANTED, SMALL.manifest, ["v1"])
            assert caught.value.code == "registry.wrong-digest"

    @pytest.mark.parametrize("raw", [SMALL.manifest + b" ", SMALL.manifest[:-1] + b" "])
    def test_other_bytes_than_the_descriptor_says_are_not_sent(self, raw: bytes) -> None:
        with Registry() as registry:
            with pytest.raises((IntegrityError, DocumentError)):
                client(registry.host).put_manifest(WANTED, raw)
            assert registry.log == []

    @pytest.mark.parametrize("ways", [Ways(), OLD], ids=["new", "old"])
    def test_what_is_in_it_has_to_be_there(self, ways: Ways) -> None:
        with Registry(ways=ways) as registry, pytest.raises(BootworthyError) as caught:
            client(registry.host).put_manifest(WANTED, SMALL.manifest)
        assert "MANIFEST_BLOB_UNKNOWN" in caught.value.message


class TestDeleting:
    def test_a_manifest(self) -> None:
        with Registry() as registry:
            filled(registry)
            client(registry.host).delete(SMALL.digest)
            assert registry.storage.manifest(NAME, SMALL.digest) is None

    @pytest.mark.parametrize("make", [content.put_schema_1, content.put_huge])
    def test_what_cannot_be_read(self, make: Callable[..., str]) -> None:
        with Registry(ways=Ways(negotiates=False)) as registry:
            digest = make(registry.storage, NAME, "bad")
            client(registry.host).delete(digest)
            assert registry.storage.manifest(NAME, digest) is None

    def test_a_tag_where_the_registry_can(self) -> None:
        with Registry() as registry:
            filled(registry)
            client(registry.host).untag("v1")
            assert registry.storage.manifest(NAME, "v1") is None
            assert registry.storage.manifest(NAME, SMALL.digest) is not None

    @pytest.mark.parametrize("ways", [Ways(untag=False), Ways(deletes=False), OLD])
    def test_a_tag_where_it_cannot(self, ways: Ways) -> None:
        with Registry(ways=ways) as registry:
            filled(registry)
            with pytest.raises(RefusedError) as caught:
                client(registry.host).untag("v1")
            assert caught.value.code == "registry.cannot-untag"
            assert caught.value.where == f"{registry.host}/{NAME}:v1"
            assert registry.storage.manifest(NAME, "v1") is not None

    def test_a_manifest_where_it_cannot(self) -> None:
        with Registry(ways=Ways(deletes=False)) as registry:
            filled(registry)
            with pytest.raises(RefusedError) as caught:
                client(registry.host).delete(SMALL.digest)
            assert caught.value.code == "registry.cannot-delete"

    def test_a_digest_is_no_tag(self) -> None:
        with Registry() as registry:
            filled(registry)
            with pytest.raises(UsageError):
                client(registry.host).untag(SMALL.digest)
            with pytest.raises(IntegrityError):
                client(registry.host).delete("v1")
            assert registry.log == []

    def test_what_is_not_there(self) -> None:
        with Registry() as registry:
            filled(registry)
            with pytest.raises(NotFoundError):
                client(registry.host).delete(ZEROS)
            with pytest.raises(NotFoundError):
                client(registry.host).untag("v2")


@pytest.mark.parametrize("ways", [Ways(), OLD], ids=["new", "old"])
def test_threads_share_it(ways: Ways) -> None:
    blobs = [noise(50_000 * number, number) for number in range(12)]
    breaks = [faults.reset_before(method="HEAD|PUT|GET", first=first) for first in range(3, 20, 5)]
    with Registry(breaks, ways=ways) as registry:
        repository = client(registry.host)

        def there_and_back(blob: bytes) -> bytes:
            repository.put_blob(described(blob), Bytes(blob))
            sink = io.BytesIO()
            repository.fetch(described(blob), sink)
            return sink.getvalue()

        with ThreadPoolExecutor(6) as pool:
            assert list(pool.map(there_and_back, blobs)) == blobs
        assert all(each.met for each in breaks)


def test_a_repository_has_a_name() -> None:
    assert client("registry.example:5000", "a/b").name == "registry.example:5000/a/b"


def test_documents_of_these_tests_are_what_they_say() -> None:
    assert json.loads(SMALL.manifest)["config"]["digest"] == digests.of(SMALL.config)
