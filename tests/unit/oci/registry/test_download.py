from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import BootworthyError, IntegrityError, NetworkError, NotFoundError, SpaceError
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.registry.remote import Effort, Patience
from tests.clients import NAME, Counter, client, described, noise
from tests.registry import Registry, Ways, faults
from tests.registry.faults import Fault

BLOB = noise(3_000_000)
BLOBS = "/blobs/sha256"


def fetched(registry: Registry, content: bytes = BLOB, wanted: Descriptor | None = None) -> bytes:
    """What arrives of a blob that is there."""
    registry.storage.put_blob(NAME, content)
    sink, counter = io.BytesIO(), Counter()
    wanted = wanted or described(content)
    client(registry.host).fetch(wanted, sink, advance=counter)
    assert counter.total == wanted.size
    return sink.getvalue()


def ranges(registry: Registry) -> list[str | None]:
    return [each.headers.get("range") for each in registry.asked("GET", BLOBS)]


@pytest.mark.parametrize("size", [0, 1, 65_536, 1_048_576, 3_000_000])
def test_a_blob_comes_whole(size: int) -> None:
    with Registry() as registry:
        assert fetched(registry, noise(size)) == noise(size)


def test_sha512_is_computed_too() -> None:
    wanted = described(BLOB, "sha512")
    with Registry() as registry:
        registry.storage.put_blob(NAME, BLOB, wanted.digest)
        sink = io.BytesIO()
        client(registry.host).fetch(wanted, sink)
        assert sink.getvalue() == BLOB
        registry.storage.put_blob(NAME, BLOB[:-1] + b"\0", wanted.digest)
        with pytest.raises(IntegrityError) as caught:
            client(registry.host).fetch(wanted, io.BytesIO())
        assert caught.value.code == "registry.wrong-digest"


@pytest.mark.parametrize("at", [0, 1_500_000, -1])
def test_one_wrong_bit_is_found(at: int) -> None:
    with Registry([faults.wrong_bytes(at, path=BLOBS)]) as registry:
        with pytest.raises(IntegrityError) as caught:
            fetched(registry)
        assert caught.value.code == "registry.wrong-digest"
        assert caught.value.where == f"{registry.host}/{NAME}@{digests.of(BLOB)}"
        assert len(registry.asked("GET", BLOBS)) == 1  # it would not change


@pytest.mark.parametrize("break_off", [faults.truncated, faults.reset])
def test_a_broken_connection_is_taken_up_where_it_was(break_off: Callable[..., Fault]) -> None:
    with Registry([break_off(1_000_000, path=BLOBS)]) as registry:
        assert fetched(registry) == BLOB
        first, second = ranges(registry)
    assert first is None
    assert second is not None
    begin = int(second.removeprefix("bytes=").removesuffix("-"))
    assert 0 < begin <= 1_000_000


def test_it_is_taken_up_as_often_as_it_gets_on() -> None:
    with Registry([faults.truncated(100_000, path=BLOBS, times=20)]) as registry:
        assert fetched(registry) == BLOB
        assert len(ranges(registry)) == 21


@pytest.mark.parametrize("at", [0, 100])
def test_it_ends_when_it_does_not_get_on(at: int) -> None:
    pauses: list[float] = []
    patience = Patience(tries=4, sleep=pauses.append)
    with Registry([faults.truncated(at, path=BLOBS, times=None)]) as registry:
        registry.storage.put_blob(NAME, BLOB)
        sink = io.BytesIO()
        with pytest.raises(NetworkError) as caught:
            client(registry.host, patience=patience).fetch(described(BLOB), sink)
        assert caught.value.code == "registry.broken"
        assert f"at byte {4 * at} of 3000000" in caught.value.message
        assert len(ranges(registry)) == 4
    assert pauses == [0.5, 1.0, 2.0]
    assert sink.getvalue() == BLOB[: 4 * at]


def test_a_range_that_is_ignored_is_passed_over() -> None:
    with Registry([faults.truncated(1_234_567, path=BLOBS)], ways=Ways(ranges=False)) as registry:
        assert fetched(registry) == BLOB


@pytest.mark.parametrize(
    "fault",
    [
        faults.wrong_range(path=BLOBS, first=2),
        faults.lying_range("bytes 1-2999999/3000000", path=BLOBS, first=2),
        faults.lying_range("bytes 5", path=BLOBS, first=2),
        faults.lying_range("bytes 900000-3000001/*", path=BLOBS, first=2),
        faults.status(416, path=BLOBS, first=2),
    ],
)
def test_another_range_than_asked_for_is_not_taken(fault: Fault) -> None:
    with Registry([faults.truncated(1_000_000, path=BLOBS), fault]) as registry:
        assert fetched(registry) == BLOB
        assert [each is None for each in ranges(registry)] == [True, False, True]
        assert fault.met == 1


def test_a_range_of_something_else_is_refused() -> None:
    lies = faults.lying_range("bytes 1000000-3999999/4000000", path=BLOBS, first=2)
    with Registry([faults.truncated(1_000_000, path=BLOBS), lies]) as registry:
        with pytest.raises(IntegrityError) as caught:
            fetched(registry)
        assert caught.value.code == "registry.wrong-size"


@pytest.mark.parametrize("off", [-1, -1_000_000, 1, 1_000_000])
def test_a_length_that_lies_is_refused(off: int) -> None:
    with Registry([faults.wrong_length(off, path=BLOBS, times=None)]) as registry:
        with pytest.raises(IntegrityError) as caught:
            fetched(registry)
        assert caught.value.code == "registry.wrong-size"


def test_there_are_never_more_bytes_than_the_size() -> None:
    with Registry([faults.endless(1 << 26, path=BLOBS), faults.longer(5, path=BLOBS, first=2)]) as registry:
        registry.storage.put_blob(NAME, BLOB)
        for _ in range(2):
            sink = io.BytesIO()
            with pytest.raises(IntegrityError) as caught:
                client(registry.host).fetch(described(BLOB), sink)
            assert caught.value.code == "registry.wrong-size"
            assert len(sink.getvalue()) <= len(BLOB)


def test_a_shorter_blob_without_a_length_is_refused() -> None:
    with Registry([faults.no_length(path=BLOBS, times=None)]) as registry:
        registry.storage.put_blob(NAME, BLOB[:-1], digests.of(BLOB))
        with pytest.raises((NetworkError, IntegrityError)) as caught:
            client(registry.host).fetch(described(BLOB), io.BytesIO())
        assert caught.value.code in {"registry.broken", "registry.wrong-size"}


def test_no_length_is_no_trouble() -> None:
    with Registry([faults.no_length(path=BLOBS)]) as registry:
        assert fetched(registry) == BLOB


def test_what_is_sent_is_never_decoded() -> None:
    with Registry([faults.gzipped(truly=False, path=BLOBS), faults.gzipped(path=BLOBS, first=2)]) as registry:
        assert fetched(registry) == BLOB  # some stores say gzip of a layer that is one
        with pytest.raises(IntegrityError):
            fetched(registry)


def test_a_redirect_to_another_host_is_followed() -> None:
    with Registry() as other, Registry([faults.redirected(other.base, path=BLOBS)]) as registry:
        other.storage.put_blob(NAME, BLOB)
        assert fetched(registry) == BLOB
        assert len(other.asked("GET", BLOBS)) == 1


def test_a_blob_that_is_not_there() -> None:
    with Registry() as registry, pytest.raises(NotFoundError):
        client(registry.host).fetch(described(BLOB), io.BytesIO())


class Full(io.BytesIO):
    def write(self, data: object, /) -> int:
        raise SpaceError("disk.full", "there is no room")


def test_what_the_sink_says_goes_through() -> None:
    with Registry() as registry:
        registry.storage.put_blob(NAME, BLOB)
        with pytest.raises(SpaceError):
            client(registry.host).fetch(described(BLOB), Full())
        assert len(registry.asked("GET", BLOBS)) == 1


class Sparing(io.BytesIO):
    def write(self, data: bytes | memoryview, /) -> int:  # type: ignore[override]
        return super().write(bytes(data[:1000]))


def test_a_sink_may_take_less_at_a_time() -> None:
    with Registry() as registry:
        registry.storage.put_blob(NAME, BLOB[:50_000])
        sink = Sparing()
        client(registry.host).fetch(described(BLOB[:50_000]), sink)
        assert sink.getvalue() == BLOB[:50_000]


class TestGoingOn:
    """A file of an earlier run."""

    @staticmethod
    def resumed(registry: Registry, folder: Path, kept: bytes, start: int | None = None) -> tuple[bytes, int]:
        registry.storage.put_blob(NAME, BLOB)
        path, counter = folder / "kept", Counter()
        path.write_bytes(kept)
        with path.open("r+b", buffering=0) as file:
            begin = len(kept) if start is None else start
            client(registry.host).fetch(described(BLOB), file, start=begin, advance=counter)
        return path.read_bytes(), counter.total

    @pytest.mark.parametrize("kept", [1, 1_500_000, 2_999_999])
    def test_only_the_rest_comes(self, tmp_path: Path, kept: int) -> None:
        with Registry() as registry:
            found, told = self.resumed(registry, tmp_path, BLOB[:kept])
            assert ranges(registry) == [f"bytes={kept}-"]
        assert found == BLOB
        assert told == len(BLOB) - kept

    def test_a_whole_file_is_only_verified(self, tmp_path: Path) -> None:
        with Registry() as registry:
            assert self.resumed(registry, tmp_path, BLOB) == (BLOB, 0)
            assert ranges(registry) == []

    @pytest.mark.parametrize("position", [0, 700_000, -1])
    def test_a_wrong_beginning_is_fetched_again(self, tmp_path: Path, position: int) -> None:
        kept = bytearray(BLOB[:1_500_000])
        kept[position] ^= 1
        with Registry() as registry:
            found, told = self.resumed(registry, tmp_path, bytes(kept))
            assert ranges(registry) == ["bytes=1500000-", None]
        assert found == BLOB
        assert told == 1_500_000

    def test_too_much_is_fetched_again(self, tmp_path: Path) -> None:
        with Registry() as registry:
            assert self.resumed(registry, tmp_path, BLOB + b"more")[0] == BLOB

    def test_what_is_beyond_the_start_is_cut_off(self, tmp_path: Path) -> None:
        with Registry() as registry:
            assert self.resumed(registry, tmp_path, BLOB[:1000] + b"not the blob", 1000)[0] == BLOB

    def test_a_file_that_is_shorter_than_was_said(self, tmp_path: Path) -> None:
        with Registry() as registry:
            assert self.resumed(registry, tmp_path, BLOB[:1000], 2_000_000)[0] == BLOB

    def test_a_wrong_rest_is_not_accepted_either(self, tmp_path: Path) -> None:
        with Registry([faults.wrong_bytes(5, path=BLOBS, times=None)]) as registry:
            with pytest.raises(IntegrityError):
                self.resumed(registry, tmp_path, BLOB[:1000])
            assert len(ranges(registry)) == 2


@settings(max_examples=25)
@given(
    cuts=st.lists(st.integers(0, 400_000), max_size=6), kept=st.integers(0, 400_000), ranged=st.booleans(),
    wrong=st.none() | st.integers(0, 399_999),
)  # fmt: skip
def test_whatever_breaks_only_the_blob_is_accepted(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], kept: int, *, ranged: bool, wrong: int | None
) -> None:
    content = noise(400_000, 7)
    path = tmp_path_factory.mktemp("kept") / "blob"
    path.write_bytes(content[:kept])
    breaks = [faults.truncated(at, path=BLOBS, first=number + 1) for number, at in enumerate(cuts)]
    flips = [] if wrong is None else [faults.wrong_bytes(wrong, path=BLOBS, times=None)]
    with Registry([*breaks, *flips], ways=Ways(ranges=ranged)) as registry, path.open("r+b", buffering=0) as file:
        registry.storage.put_blob(NAME, content)
        try:
            client(registry.host).fetch(described(content), file, start=kept)
        except BootworthyError as error:
            assert error.code in {"registry.broken", "registry.wrong-digest"}  # noqa: PT017
        else:
            assert path.read_bytes() == content


def test_effort_counts_only_what_is_worth_it() -> None:
    pauses: list[float] = []
    effort, problem = Effort(Patience(tries=3, enough=10, pause=1, sleep=pauses.append)), NetworkError("x", "x")
    for position in (9, 10, 19, 29, 30):
        effort.failed(position, problem)
    assert pauses == [1, 1, 1]
    effort.failed(38, problem)
    with pytest.raises(NetworkError):
        effort.failed(38, problem)
