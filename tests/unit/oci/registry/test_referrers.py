from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bootworthy.errors import DocumentError, IntegrityError, NetworkError
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import DOCKER_MANIFEST, INDEX, MANIFEST, Descriptor
from bootworthy.oci.registry.referrers import tag_of
from tests.clients import NAME, Bytes, client
from tests.registry import OLD, Registry, Ways, content, faults
from tests.registry.messages import Answer

SUBJECT = content.image()
TAG = SUBJECT.digest.replace(":", "-")
OTHER = SUBJECT.digest
WRONG: list[object] = [
    {"mediaType": MANIFEST, "digest": "sha256:../../x", "size": 1},
    {"mediaType": MANIFEST, "digest": OTHER, "size": 1, "annotations": {"a": 1}},
    None,
]
"""Entries that cannot be read."""
RIGHT = {"mediaType": MANIFEST, "digest": "sha256:" + "e" * 64, "size": 1}
EVIDENCE, SBOM = "application/vnd.example.evidence.v1", "application/vnd.example.sbom.v1"


def speak(registry: Registry, kind: str = EVIDENCE, note: str = "") -> Descriptor:
    """Push something that refers to the image."""
    repository = client(registry.host)
    repository.put_blob(Descriptor("application/vnd.oci.empty.v1+json", digests.of(b"{}"), 2), Bytes(b"{}"))
    raw = content.artifact(SUBJECT.manifest, MANIFEST, kind, note)
    descriptor = Descriptor.of(raw, MANIFEST)
    repository.put_manifest(descriptor, raw)
    return descriptor


def kept(registry: Registry) -> list[dict[str, Any]]:
    """What the tag lists."""
    found = registry.storage.manifest(NAME, TAG)
    assert found is not None
    assert found[1].media_type == INDEX
    entries: list[dict[str, Any]] = json.loads(found[1].raw)["manifests"]
    return entries


@pytest.mark.parametrize("ways", [Ways(), Ways(filters=False), Ways(page=1), OLD], ids=["new", "all", "pages", "old"])
def test_what_was_pushed_is_found(ways: Ways) -> None:
    with Registry(ways=ways) as registry:
        SUBJECT.put(registry.storage, NAME, "v1")
        assert client(registry.host).referrers(SUBJECT.digest) == ()
        first, second = speak(registry), speak(registry, SBOM, "of today")
        repository = client(registry.host)
        found = {each.digest: each for each in repository.referrers(SUBJECT.digest)}
        assert set(found) == {first.digest, second.digest}
        assert found[second.digest].artifact_type == SBOM
        assert found[second.digest].annotations == {"note": "of today"}
        assert found[second.digest].size == second.size
        assert [each.digest for each in repository.referrers(SUBJECT.digest, EVIDENCE)] == [first.digest]
        assert repository.referrers(SUBJECT.digest, "application/x") == ()
        assert (registry.storage.manifest(NAME, TAG) is None) is ways.referrers


def test_the_type_of_a_plain_image_is_that_of_its_configuration() -> None:
    later = content.image(b"later\n", subject=content.descriptor(SUBJECT.manifest, MANIFEST))
    with Registry(old=True) as registry:
        SUBJECT.put(registry.storage, NAME)
        registry.storage.put_blob(NAME, later.layer)
        registry.storage.put_blob(NAME, later.config)
        client(registry.host).put_manifest(Descriptor.of(later.manifest, MANIFEST), later.manifest, ["later"])
        assert [each["artifactType"] for each in kept(registry)] == [content.CONFIG]


class TestTag:
    def test_nothing_is_entered_twice(self) -> None:
        with Registry(old=True) as registry:
            SUBJECT.put(registry.storage, NAME)
            speak(registry)
            before = kept(registry)
            speak(registry)
            assert kept(registry) == before
            assert len(before) == 1
            assert len(registry.asked("PUT", TAG)) == 1

    def test_what_others_entered_stays_as_it_is(self) -> None:
        other = {"mediaType": MANIFEST, "digest": SUBJECT.digest, "size": len(SUBJECT.manifest), "x-other": [1, {}]}
        with Registry(old=True) as registry:
            SUBJECT.put(registry.storage, NAME)
            raw = content.index(other, annotations={"by": "somebody"}, more=1)
            registry.storage.put_manifest(NAME, raw, INDEX, TAG)
            speak(registry)
            assert kept(registry)[0] == other
            assert len(kept(registry)) == 2
            found = registry.storage.manifest(NAME, TAG)
            assert found is not None
            assert found[1].fields["annotations"] == {"by": "somebody"}
            assert found[1].fields["more"] == 1

    def test_a_registry_that_keeps_them_is_left_to_it(self) -> None:
        with Registry() as registry:
            SUBJECT.put(registry.storage, NAME)
            speak(registry)
            assert len(registry.asked("PUT")) == 1
            assert registry.asked("GET", TAG) == []

    @pytest.mark.parametrize("subject", [None, "sha256:" + "0" * 64])
    def test_without_the_right_word_the_tag_is_kept(self, subject: str | None) -> None:
        with Registry([faults.headers({"oci_subject": subject}, method="PUT", path="/manifests/")]) as registry:
            SUBJECT.put(registry.storage, NAME)
            assert [each["digest"] for each in kept_after(registry)] == [each.digest for each in spoken(registry)]

    def test_a_lost_race_is_run_again(self) -> None:
        """Somebody who had read the list before us writes it after us."""
        calls = 0

        def overwrite(request: Any, proceed: Any) -> Answer:
            nonlocal calls
            calls += 1
            answer: Answer = proceed(request)
            registry.storage.put_manifest(NAME, content.index(), INDEX, TAG)
            return answer

        with Registry([faults.Fault(overwrite, method="PUT", path=TAG, times=3)], old=True) as registry:
            SUBJECT.put(registry.storage, NAME)
            wanted = speak(registry)
            assert [each["digest"] for each in kept(registry)] == [wanted.digest]
        assert calls == 3

    def test_a_race_that_is_always_lost_is_an_error(self) -> None:
        def overwrite(request: Any, proceed: Any) -> Answer:
            answer: Answer = proceed(request)
            registry.storage.put_manifest(NAME, content.index(), INDEX, TAG)
            return answer

        with Registry([faults.Fault(overwrite, method="PUT", path=TAG, times=None)], old=True) as registry:
            SUBJECT.put(registry.storage, NAME)
            with pytest.raises(NetworkError) as caught:
                speak(registry)
            assert caught.value.code == "registry.lost-race"
            assert caught.value.where == f"{registry.host}/{NAME}:{TAG}"

    def test_threads_of_ours_do_not_overwrite_each_other(self) -> None:
        with Registry(old=True) as registry:
            SUBJECT.put(registry.storage, NAME)
            registry.storage.put_blob(NAME, b"{}")
            repository = client(registry.host)
            raws = [content.artifact(SUBJECT.manifest, MANIFEST, EVIDENCE, str(number)) for number in range(12)]
            with ThreadPoolExecutor(6) as pool:
                list(pool.map(lambda raw: repository.put_manifest(Descriptor.of(raw, MANIFEST), raw), raws))
            assert {each["digest"] for each in kept(registry)} == {digests.of(raw) for raw in raws}

    def test_wrong_entries_of_others_hide_nothing_and_stay(self) -> None:
        with Registry(old=True) as registry:
            SUBJECT.put(registry.storage, NAME)
            raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [WRONG[1]]}).encode()
            registry.storage.put_manifest(NAME, raw, INDEX, TAG)
            told: list[str] = []
            assert client(registry.host).referrers(SUBJECT.digest, skip=lambda digest, _: told.append(digest)) == ()
            assert told == [OTHER]
            wanted = speak(registry)
            assert [each.digest for each in spoken(registry)] == [wanted.digest]
            assert kept(registry)[0] == WRONG[1]

    def test_an_image_in_its_place_is_not_overwritten(self) -> None:
        with Registry(old=True) as registry:
            SUBJECT.put(registry.storage, NAME, TAG)
            with pytest.raises(NetworkError) as caught:
                speak(registry)
            assert caught.value.code == "registry.bad-answer"
            assert registry.storage.repository(NAME).tags[TAG] == SUBJECT.digest

    def test_what_is_deleted_leaves_the_list(self) -> None:
        with Registry(old=True) as registry:
            SUBJECT.put(registry.storage, NAME)
            first, second = speak(registry), speak(registry, SBOM)
            client(registry.host).delete(first.digest)
            assert [each["digest"] for each in kept(registry)] == [second.digest]
            assert client(registry.host).referrers(SUBJECT.digest)[0].digest == second.digest

    def test_names(self) -> None:
        assert tag_of("sha256:" + "a" * 64) == "sha256-" + "a" * 64
        assert tag_of("sha512:" + "a" * 128) == "sha512-" + "a" * 64


def spoken(registry: Registry) -> list[Descriptor]:
    return list(client(registry.host).referrers(SUBJECT.digest))


def kept_after(registry: Registry) -> list[dict[str, Any]]:
    speak(registry)
    return kept(registry)


class TestApi:
    @pytest.mark.parametrize("code", [400, 404, 405, 501])
    def test_no_api_is_no_error(self, code: int) -> None:
        with Registry([faults.status(code, "UNSUPPORTED", path="/referrers/", times=None)], ways=OLD) as registry:
            SUBJECT.put(registry.storage, NAME)
            wanted = speak(registry)
            assert [each.digest for each in spoken(registry)] == [wanted.digest]

    def test_a_page_of_something_else_is_no_api(self) -> None:
        page = Answer(200, (("Content-Type", "text/html"),), b"<html>")
        with Registry([faults.instead(page, path="/referrers/")]) as registry:
            assert spoken(registry) == []

    def test_a_wrong_entry_hides_no_other(self) -> None:
        raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [*WRONG, RIGHT]}).encode()
        page = Answer(200, (("Content-Type", INDEX),), raw)
        told: list[tuple[str, str]] = []
        with Registry([faults.instead(page, path="/referrers/", times=None)]) as registry:
            assert [each.digest for each in spoken(registry)] == [RIGHT["digest"]]
            client(registry.host).referrers(SUBJECT.digest, skip=lambda *said: told.append(said))
        assert told == [
            ("", "manifests[0].digest: 'sha256:../../x' is not a digest"),
            (OTHER, "manifests[1].annotations.a: must be a string"),
            ("", "manifests[2]: must be an object"),
        ]

    @pytest.mark.parametrize("manifests", [5, {"a": 1}])
    def test_what_is_no_list_is_an_error(self, manifests: object) -> None:
        raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
        page = Answer(200, (("Content-Type", INDEX),), raw)
        with Registry([faults.instead(page, path="/referrers/")]) as registry, pytest.raises(DocumentError):
            spoken(registry)

    def test_pages_without_an_end(self) -> None:
        link = (("Content-Type", INDEX), ("Link", f'</v2/{NAME}/referrers/{SUBJECT.digest}>; rel="next"'))
        page = Answer(200, link, content.index())
        with Registry([faults.instead(page, path="/referrers/", times=None)]) as registry:
            with pytest.raises(NetworkError) as caught:
                spoken(registry)
            assert caught.value.code == "registry.endless-list"

    def test_only_digests_are_asked_about(self) -> None:
        with Registry() as registry:
            with pytest.raises(IntegrityError):
                client(registry.host).referrers("v1")
            assert registry.log == []

    def test_docker_media_types_are_listed(self) -> None:
        later = content.image(b"x", docker=True, subject=content.descriptor(SUBJECT.manifest, MANIFEST))
        with Registry(old=True) as registry:
            SUBJECT.put(registry.storage, NAME)
            registry.storage.put_blob(NAME, later.layer)
            registry.storage.put_blob(NAME, later.config)
            client(registry.host).put_manifest(Descriptor.of(later.manifest, DOCKER_MANIFEST), later.manifest)
            assert [each.media_type for each in spoken(registry)] == [DOCKER_MANIFEST]
