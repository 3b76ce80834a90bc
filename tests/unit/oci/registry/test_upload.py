from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

import pytest

from bootworthy.errors import CredentialsError, IntegrityError, NetworkError
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.registry import upload
from bootworthy.oci.registry.parts import Feed, Part, Watch
from bootworthy.oci.registry.remote import nobody
from tests.clients import NAME, QUICK, Bytes, Counter, client, described, noise
from tests.registry import OLD, Location, Registry, Ways, faults
from tests.registry.faults import Fault
from tests.registry.messages import Answer
from tests.registry.ways import State

SMALL = noise(100_000, 2)
LARGE = noise(3_000_000, 3)
UPLOADS = "/blobs/uploads/"


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte is large in these tests."""
    monkeypatch.setattr(upload, "_SMALL", 1_000_000)
    monkeypatch.setattr(upload, "_CHUNK", 1_000_000)


def put(registry: Registry, content: bytes, *sources: str) -> bool:
    """Put a blob, and look that it arrived."""
    counter = Counter()
    done = client(registry.host).put_blob(described(content), Bytes(content), mount_from=sources, advance=counter)
    assert registry.storage.blob(NAME, digests.of(content)) == content
    assert counter.total == (len(content) if done else counter.total)
    return done


def methods(registry: Registry) -> list[str]:
    return [each.method for each in registry.log]


class TestWays:
    @pytest.mark.parametrize("ways", [Ways(state=State.NEWEST), OLD], ids=["new", "old"])
    @pytest.mark.parametrize("location", list(Location))
    @pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 1_000_000, 1_000_001, 3_000_000])
    def test_every_size_arrives(self, ways: Ways, location: Location, size: int) -> None:
        with Registry(ways=replace(ways, location=location)) as registry:
            assert put(registry, noise(size, size))
            assert registry.routes.uploads.open == {}

    def test_what_is_there_is_not_sent(self) -> None:
        with Registry() as registry:
            registry.storage.put_blob(NAME, SMALL)
            assert not put(registry, SMALL)
            assert methods(registry) == ["HEAD"]

    def test_what_is_there_with_another_size_is_sent(self) -> None:
        with Registry() as registry:
            registry.storage.put_blob(NAME, SMALL[:-1], digests.of(SMALL))
            assert put(registry, SMALL)

    def test_a_tiny_blob_is_one_request(self) -> None:
        with Registry() as registry:
            assert put(registry, b"{}")
            assert methods(registry) == ["HEAD", "POST"]

    def test_a_small_blob_is_one_piece(self) -> None:
        with Registry() as registry:
            assert put(registry, SMALL)
            assert methods(registry) == ["HEAD", "POST", "PUT"]

    def test_a_large_blob_goes_in_chunks(self) -> None:
        with Registry() as registry:
            assert put(registry, LARGE)
            assert methods(registry) == ["HEAD", "POST", "PATCH", "PATCH", "PATCH", "PUT"]
            found = [each.headers["content-range"] for each in registry.asked("PATCH")]
            assert found == ["0-999999", "1000000-1999999", "2000000-2999999"]

    def test_chunks_are_no_smaller_than_the_registry_wants(self) -> None:
        with Registry(ways=Ways(min_chunk=1_400_000)) as registry:
            assert put(registry, LARGE)
            assert [each.received for each in registry.asked("PATCH")] == [1_400_000, 1_400_000, 200_000]

    def test_an_old_registry_is_asked_for_the_impossible_once(self) -> None:
        with Registry(old=True) as registry:
            repository = client(registry.host)
            for number in range(3):
                content = noise(100, number)
                assert repository.put_blob(described(content), Bytes(content))
            assert len(registry.asked("POST", "digest=")) == 1
            assert len(registry.asked("PUT", "digest=")) == 3

    @pytest.mark.parametrize("code", [400, 405, 411, 413, 415, 501])
    def test_a_registry_without_chunks_gets_one_piece(self, code: int) -> None:
        with Registry([faults.status(code, method="PATCH", times=None)]) as registry:
            repository = client(registry.host)
            for content in (LARGE, LARGE[1:]):
                assert repository.put_blob(described(content), Bytes(content))
                assert registry.storage.blob(NAME, digests.of(content)) == content
            assert len(registry.asked("PATCH")) == 1
            assert len(registry.asked("DELETE", UPLOADS)) == 1
            assert registry.routes.uploads.open == {}

    def test_a_single_post_that_is_refused(self) -> None:
        with Registry([faults.status(405, "UNSUPPORTED", method="POST", path="digest=", times=None)]) as registry:
            assert put(registry, b"{}")

    def test_sha512(self) -> None:
        wanted = described(LARGE, "sha512")
        with Registry() as registry:
            assert client(registry.host).put_blob(wanted, Bytes(LARGE))
            assert registry.storage.blob(NAME, wanted.digest) == LARGE


class TestMounts:
    def test_a_neighbour_has_it(self) -> None:
        with Registry() as registry:
            registry.storage.put_blob("team/base", LARGE)
            assert not put(registry, LARGE, "team/nothing", "team/base", "team/never-asked")
            assert [each.target.partition("from=")[2] for each in registry.asked("POST")] == [
                "team%2Fnothing", "team%2Fbase",
            ]  # fmt: skip
            assert registry.routes.uploads.open == {}

    def test_any_neighbour_has_it(self) -> None:
        with Registry() as registry:
            registry.storage.put_blob("team/base", LARGE)
            assert not put(registry, LARGE, "")

    @pytest.mark.parametrize(
        "fault",
        [
            faults.mount_ignored(times=None),
            faults.mount_refused(403, times=None),
            faults.mount_refused(404, times=None),
            faults.mount_refused(405, times=None),
        ],
    )
    def test_a_mount_that_is_not_to_be_is_an_upload(self, fault: Fault) -> None:
        with Registry([fault]) as registry:
            registry.storage.put_blob("team/base", LARGE)
            assert put(registry, LARGE, "team/base", "team/other")
            assert fault.met == 2
            assert registry.routes.uploads.open == {}

    def test_a_mount_of_something_else_is_not_believed(self) -> None:
        with Registry([faults.wrong_digest(method="POST", path="mount=")]) as registry:
            registry.storage.put_blob("team/base", LARGE)
            with pytest.raises(IntegrityError) as caught:
                client(registry.host).put_blob(described(LARGE), Bytes(LARGE), mount_from=["team/base"])
            assert caught.value.code == "registry.wrong-digest"


class TestTrouble:
    @pytest.mark.parametrize("ways", [Ways(), Ways(state=State.NEWEST), Ways(location=Location.ABSOLUTE)])
    @pytest.mark.parametrize("at", [2, 65_536, 500_000, 999_999])
    def test_a_broken_chunk_goes_on_where_the_registry_is(self, ways: Ways, at: int) -> None:
        with Registry([faults.reset_upload(at, first=2)], ways=ways) as registry:
            assert put(registry, LARGE)
            found = [each.headers["content-range"] for each in registry.asked("PATCH")]
            assert len(registry.asked("POST")) == 1
        assert found[2].startswith(f"{1_000_000 + at}-")

    @pytest.mark.parametrize("at", [1, 500_000])
    def test_a_registry_that_does_not_know_where_it_is_gets_it_again(self, at: int) -> None:
        """Debian's docker-registry, after a broken chunk."""
        with Registry([faults.reset_upload(at, first=2)], old=True) as registry:
            assert put(registry, LARGE)
            assert len(registry.asked("POST")) == 2

    @pytest.mark.parametrize("at", [0, 1])
    def test_a_chunk_of_which_nothing_is_sure_begins_again(self, at: int) -> None:
        with Registry([faults.reset_upload(max(at, 1)) if at else faults.broken(method="PATCH")]) as registry:
            assert put(registry, LARGE)
            assert len(registry.asked("POST")) == 2

    def test_chunks_that_break_often_end_as_long_as_they_get_on(self) -> None:
        with Registry([faults.reset_upload(100_000, times=20)]) as registry:
            assert put(registry, LARGE)
            assert len(registry.asked("POST")) == 1

    def test_it_gives_up_in_the_end(self) -> None:
        with Registry([faults.reset_upload(50, times=None)]) as registry:
            with pytest.raises(NetworkError):
                client(registry.host).put_blob(described(LARGE), Bytes(LARGE))
            assert len(registry.asked("PATCH")) < 10

    def test_a_registry_that_kept_less_is_followed(self) -> None:
        with Registry([faults.lost_bytes(400_000, first=2)]) as registry:
            assert put(registry, LARGE)
            assert registry.asked("PATCH")[2].headers["content-range"].startswith("1400000-")

    @pytest.mark.parametrize("first", [1, 2, 3])
    def test_416_is_asked_where_it_is(self, first: int) -> None:
        with Registry([faults.status(416, method="PATCH", first=first)]) as registry:
            assert put(registry, LARGE)

    def test_416_for_ever_in_the_middle_ends(self) -> None:
        with Registry([faults.status(416, method="PATCH", first=2, times=None)]) as registry:
            with pytest.raises(NetworkError) as caught:
                client(registry.host).put_blob(described(LARGE), Bytes(LARGE))
            assert caught.value.code == "registry.refused"
            assert registry.routes.uploads.open == {}

    @pytest.mark.parametrize(("code", "first"), [(404, 1), (404, 2), (416, 1)])
    def test_chunks_that_are_never_taken_end_in_one_piece(self, code: int, first: int) -> None:
        with Registry([faults.status(code, method="PATCH", first=first, times=None)]) as registry:
            assert put(registry, LARGE)
            assert len(registry.asked("PATCH")) == first + (first > 1)

    def test_a_registry_that_nibbles_ends(self) -> None:
        with Registry([faults.lost_bytes(10, times=None)]) as registry:
            with pytest.raises(NetworkError) as caught:
                client(registry.host).put_blob(described(LARGE), Bytes(LARGE))
            assert caught.value.code == "registry.refused"
            assert len(registry.asked("PATCH")) < 10
            assert registry.routes.uploads.open == {}

    def test_an_end_that_is_refused_for_good(self) -> None:
        with Registry([faults.status(400, "SIZE_INVALID", "too much", method="PUT", times=None)]) as registry:
            with pytest.raises(NetworkError) as caught:
                client(registry.host).put_blob(described(SMALL), Bytes(SMALL))
            assert "SIZE_INVALID: too much" in caught.value.message
            assert len(registry.asked("PUT")) == 2
            assert registry.routes.uploads.open == {}

    @pytest.mark.parametrize("content", [SMALL, LARGE], ids=["small", "large"])
    @pytest.mark.parametrize("method", ["PATCH", "PUT"])
    def test_an_upload_that_was_forgotten_begins_again(self, content: bytes, method: str) -> None:
        with Registry([faults.upload_forgotten(method=method)]) as registry:
            assert put(registry, content)

    @pytest.mark.parametrize("lose", [faults.reset_before, faults.closed_before])
    @pytest.mark.parametrize("content", [b"{}", SMALL, LARGE], ids=["tiny", "small", "large"])
    def test_an_answer_that_is_lost_is_looked_for(self, lose: Callable[..., Fault], content: bytes) -> None:
        with Registry([lose(method="PUT|POST", path="digest=")]) as registry:
            put(registry, content)
            assert len(registry.asked("PUT") + registry.asked("POST", "digest=")) <= 2

    @pytest.mark.parametrize("code", [502, 503])
    @pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
    def test_a_registry_that_is_busy_is_tried_again(self, code: int, method: str) -> None:
        with Registry([faults.status(code, method=method, retry_after=0)]) as registry:
            assert put(registry, LARGE)

    def test_a_seam_is_found_and_mended(self) -> None:
        """A registry that takes chunks in any order, and says nothing of where it is."""
        with Registry(
            [faults.lost_bytes(400_000, first=2), faults.headers({"range": None}, method="PATCH", times=None)],
            ways=Ways(ordered=False),
        ) as registry:
            assert put(registry, LARGE)
            assert len(registry.asked("POST")) == 2

    def test_other_bytes_than_the_digest_are_never_kept(self) -> None:
        wrong = Bytes(LARGE[:-1] + b"\0")
        with Registry() as registry:
            with pytest.raises(IntegrityError) as caught:
                client(registry.host).put_blob(described(LARGE), wrong)
            assert caught.value.code == "registry.wrong-digest"
            assert registry.storage.blob(NAME, digests.of(LARGE)) is None

    def test_a_body_of_another_size_is_refused(self) -> None:
        with Registry() as registry:
            with pytest.raises(IntegrityError) as caught:
                client(registry.host).put_blob(described(SMALL), Bytes(SMALL + b"x"))
            assert caught.value.code == "registry.wrong-size"
            assert registry.log == []

    @pytest.mark.parametrize("content", [b"{}", SMALL, LARGE], ids=["tiny", "small", "large"])
    def test_a_registry_that_took_something_else(self, content: bytes) -> None:
        with Registry([faults.wrong_digest(method="PUT|POST", path="digest=", times=None)]) as registry:
            with pytest.raises(IntegrityError) as caught:
                client(registry.host).put_blob(described(content), Bytes(content))
            assert caught.value.code == "registry.wrong-digest"

    def test_an_upload_without_an_address(self) -> None:
        with Registry([faults.headers({"location": None}, method="POST", times=None)]) as registry:
            with pytest.raises(NetworkError) as caught:
                client(registry.host).put_blob(described(SMALL), Bytes(SMALL))
            assert caught.value.code == "registry.bad-answer"

    def test_an_end_that_is_none(self) -> None:
        with Registry([faults.instead(Answer(202), method="PUT", times=None)]) as registry:
            with pytest.raises(NetworkError) as caught:
                client(registry.host).put_blob(described(SMALL), Bytes(SMALL))
            assert caught.value.code == "registry.bad-answer"

    def test_who_may_not_push(self) -> None:
        refused = faults.status(403, "DENIED", method="POST", times=None)
        with Registry([refused]) as registry, pytest.raises(CredentialsError):
            client(registry.host).put_blob(described(SMALL), Bytes(SMALL), mount_from=["team/base"])


class Ragged:
    """A body that cannot seek, gives what it likes, and may end early."""

    def __init__(self, content: bytes, size: int) -> None:
        self.content = content
        self.size = size
        self.opened = 0

    def open(self) -> BinaryIO:
        self.opened += 1
        pieces = itertools.cycle([1, 70_000, 333])

        class Stream:
            def __init__(self, content: bytes) -> None:
                self.left = memoryview(content)

            def seekable(self) -> bool:
                return False

            def read(self, size: int) -> bytes:
                piece = bytes(self.left[: min(size, next(pieces))])
                self.left = self.left[len(piece) :]
                return piece

            def close(self) -> None: ...

        return Stream(self.content)  # type: ignore[return-value]


def test_a_body_that_cannot_seek() -> None:
    body = Ragged(LARGE, len(LARGE))
    with Registry([faults.reset_upload(500_000, first=2)]) as registry:
        assert client(registry.host).put_blob(described(LARGE), body)
        assert registry.storage.blob(NAME, digests.of(LARGE)) == LARGE
    assert body.opened == 2


@pytest.mark.parametrize("size", [100, 100_000, 3_000_000])
def test_a_body_is_read_once(size: int) -> None:
    content = noise(size, 6)
    body = Bytes(content)
    with Registry() as registry:
        assert client(registry.host).put_blob(described(content), body)
    assert body.opened == 1


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
def test_a_body_that_ends_early(size: int) -> None:
    content = noise(size, 5)
    with Registry() as registry:
        with pytest.raises(IntegrityError) as caught:
            client(registry.host).put_blob(described(content), Ragged(content[:-1], size))
        assert caught.value.code == "registry.wrong-size"
        assert registry.storage.blob(NAME, digests.of(content)) is None


def test_a_part_is_exactly_that() -> None:
    counter = Counter()
    part = Part(Feed(Bytes(b"0123456789")), 3, 4, Watch(counter))
    for _ in range(2):
        with part.open() as stream:
            assert stream.read(1) == b"3"
            buffer = bytearray(2)
            assert stream.readinto(buffer) == 2  # type: ignore[attr-defined]
            assert (bytes(buffer), stream.read(), stream.read()) == (b"45", b"6", b"")
    assert counter.total == 7  # what is before it counts as sent


def test_only_a_positive_answer_means_that_it_is_there() -> None:
    wanted = described(SMALL)
    with Registry([faults.status(405, method="HEAD")]) as registry:
        repository = client(registry.host, patience=QUICK)
        assert [repository.has(wanted) for _ in range(2)] == [False, False]
        repository.put_blob(wanted, Bytes(SMALL), advance=nobody)
        assert repository.has(wanted)
        assert not repository.has(Descriptor(wanted.media_type, wanted.digest, wanted.size + 1))
