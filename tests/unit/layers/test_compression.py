import bz2
import contextlib
import gzip
import io
import lzma
import random
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError
from bootworthy.layers.compression import Compression, Meter, inflate

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SKIPPABLE = b"\x51\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"
CONTENT = random.Random(1).randbytes(700_000) + b"bootworthy" * 300_000


def zstd_checked(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


COMPRESSORS: list[tuple[Compression, Callable[[bytes], bytes]]] = [
    (Compression.NONE, bytes),
    (Compression.GZIP, gzip.compress),
    (Compression.ZSTD, zstd_checked),
    (Compression.XZ, lzma.compress),
    (Compression.BZIP2, bz2.compress),
]
REAL = pytest.mark.parametrize(("kind", "compress"), COMPRESSORS[1:])


class Trickle(io.BytesIO):
    """A stream that gives one byte at a time at first, as sockets do."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(1 if self.tell() < 16 else size)


def inflated(data: bytes, media_type: str = "") -> bytes:
    return b"".join(inflate(io.BytesIO(data), media_type))


@pytest.mark.parametrize(("kind", "compress"), COMPRESSORS)
def test_gives_back_what_was_compressed(kind: Compression, compress: Callable[[bytes], bytes]) -> None:
    data = compress(CONTENT)
    assert Compression.sniff(data) is kind
    assert inflated(data) == CONTENT
    assert b"".join(inflate(Trickle(data))) == CONTENT


@REAL
def test_members_follow_each_other(kind: Compression, compress: Callable[[bytes], bytes]) -> None:
    assert inflated(compress(CONTENT) + compress(b"") + b"".join(compress(b"%d" % n) for n in range(300))) == (
        CONTENT + b"".join(b"%d" % n for n in range(300))
    )


def test_skippable_zstd_frames_are_skipped_wherever_they_are() -> None:
    assert inflated(SKIPPABLE + zstd.compress(b"a") + SKIPPABLE + zstd.compress(b"b") + SKIPPABLE) == b"ab"


def test_zeros_may_follow_gzip() -> None:
    assert inflated(gzip.compress(b"a") + bytes(700_000)) == b"a"


@REAL
def test_what_follows_must_be_a_member(kind: Compression, compress: Callable[[bytes], bytes]) -> None:
    with pytest.raises(IntegrityError) as caught:
        inflated(compress(CONTENT) + b"this is something else")
    assert caught.value.code == "layer.corrupt"


@REAL
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_breaking_off_is_noticed(kind: Compression, compress: Callable[[bytes], bytes], data: st.DataObject) -> None:
    whole = compress(CONTENT[699_000:720_000])
    cut = data.draw(st.integers(6, len(whole) - 1))
    with pytest.raises(IntegrityError) as caught:
        inflated(whole[:cut])
    assert caught.value.code == "layer.corrupt"


@REAL
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damage_is_noticed_or_does_no_harm(
    kind: Compression, compress: Callable[[bytes], bytes], data: st.DataObject
) -> None:
    content = CONTENT[699_000:720_000]
    whole = bytearray(compress(content))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    if Compression.sniff(bytes(whole)) is not kind:
        return
    with contextlib.suppress(IntegrityError):
        assert inflated(bytes(whole)) == content


def test_a_media_type_that_promises_compression_is_held_to_it() -> None:
    with pytest.raises(IntegrityError, match="must"):
        inflated(b"a plain file, really", "application/vnd.oci.image.layer.v1.tar+gzip")


def test_a_media_type_may_be_wrong_about_which_compression() -> None:
    assert inflated(zstd.compress(b"x"), "application/vnd.oci.image.layer.v1.tar+gzip") == b"x"
    assert inflated(gzip.compress(b"x"), "application/vnd.oci.image.layer.v1.tar") == b"x"


def test_nothing_is_nothing() -> None:
    assert inflated(b"") == b""
    assert inflated(b"ab") == b"ab"


def test_the_stream_is_read_to_its_end_and_measured() -> None:
    data = gzip.compress(CONTENT, mtime=0) + bytes(3)
    seen: list[int] = []
    meter = Meter(io.BytesIO(data), seen.append)
    for _ in inflate(meter):
        pass
    assert meter.size == len(data) == sum(seen)
    assert meter.digest.startswith("sha256:")


@REAL
def test_a_limit_holds_for_all_members_together(kind: Compression, compress: Callable[[bytes], bytes]) -> None:
    data = compress(bytes(300_000)) * 4
    assert sum(map(len, inflate(io.BytesIO(data), limit=1_200_000))) == 1_200_000
    with pytest.raises(IntegrityError) as caught:
        list(inflate(io.BytesIO(data), where="layer 1", limit=1_199_999))
    assert (caught.value.code, caught.value.where) == ("layer.too-large", "layer 1")
    assert "BOOTWORTHY_LAYER_LIMIT" in (caught.value.hint or "")


def test_the_limit_of_this_machine_holds_without_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTWORTHY_LAYER_LIMIT", "1M")
    assert len(inflated(gzip.compress(bytes(1 << 20)))) == 1 << 20
    with pytest.raises(IntegrityError, match="more than 1048576 bytes"):
        inflated(gzip.compress(bytes((1 << 20) + 1)))
    assert len(inflated(bytes([1]) * (2 << 20))) == 2 << 20


@REAL
def test_members_of_nothing_give_nothing_and_end(kind: Compression, compress: Callable[[bytes], bytes]) -> None:
    assert inflated(compress(b"") * 30_000 + compress(b"end")) == b"end"


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 300_000])
def test_members_of_any_size_may_follow_each_other(size: int) -> None:
    noise = random.Random(size).randbytes(size)
    assert inflated(gzip.compress(noise) * 7) == noise * 7
    assert inflated((gzip.compress(noise) + bytes(size)) * 3) == noise * 3


def test_a_window_that_takes_too_much_memory_is_refused() -> None:
    wide = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
    with pytest.raises(IntegrityError) as caught:
        inflated(wide.compress(b"x" * 1000) + wide.flush())
    assert caught.value.code == "layer.corrupt"
    assert "memory" in caught.value.message


def test_pieces_stay_small() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert max(map(len, inflate(io.BytesIO(bomb)))) <= 1 << 20
