import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.layers import pax
from bootworthy.layers.pax import Records

KEYS = st.binary(min_size=1, max_size=30).filter(lambda key: b"=" not in key)


@given(st.lists(st.tuples(KEYS, st.binary(max_size=1200)), max_size=8))
def test_records_are_read_as_they_were_written(records: list[tuple[bytes, bytes]]) -> None:
    assert list(pax.parse(b"".join(pax.record(key, value) for key, value in records))) == records


@pytest.mark.parametrize("size", [1, 4, 5, 6, 90, 91, 92, 93, 94, 990, 991, 992, 993])
def test_a_length_counts_its_own_digits(size: int) -> None:
    record = pax.record(b"key", b"v" * size)
    assert int(record.split(b" ")[0]) == len(record)


@given(st.binary(max_size=60))
def test_anything_else_is_a_value_error(content: bytes) -> None:
    try:
        records = list(pax.parse(content))
    except ValueError:
        return
    assert sum(len(pax.record(key, value)) for key, value in records) <= len(content)


@pytest.mark.parametrize(
    "content",
    [b"x", b"5 a=b", b"6 a=b\n6 a=b", b"7 a=b\n", b"6 ab\n\n", b"6 =ab\n", b"-6 a=b\n", b"0 a=b\n", b" a=b\n"],
)
def test_malformed_records(content: bytes) -> None:
    with pytest.raises(ValueError, match="extended header"):
        list(pax.parse(content))


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        (b"0", 0), (b"1", 10**9), (b"1.5", 1_500_000_000), (b"1.", 10**9), (b"-1.5", -1_500_000_000),
        (b"1700000000.123456789", 1_700_000_000_123_456_789), (b"1.0000000019", 1_000_000_001),
    ],
)  # fmt: skip
def test_times(text: bytes, nanoseconds: int) -> None:
    assert Records({b"mtime": text}).time(b"mtime") == nanoseconds


@pytest.mark.parametrize("text", [b"x", b".5", b"1e3", b"+1", b"1.5.5", b" 1", b"1_0"])
def test_no_times(text: bytes) -> None:
    with pytest.raises(ValueError, match="no time"):
        Records({b"mtime": text}).time(b"mtime")


def test_an_empty_value_takes_a_record_back_but_an_attribute_may_be_empty() -> None:
    first = Records().updated(pax.record(b"path", b"a") + pax.record(b"SCHILY.xattr.user.x", b"1"))
    second = first.updated(pax.record(b"path", b"") + pax.record(b"SCHILY.xattr.user.x", b""))
    assert second.text(b"path") is None
    assert second.xattrs() == ((b"user.x", b""),)


def test_attributes_of_both_kinds() -> None:
    records = Records().updated(
        pax.record(b"LIBARCHIVE.xattr.user.%E4", b"AAEC")
        + pax.record(b"LIBARCHIVE.xattr.user.a", b"AAEC")
        + pax.record(b"SCHILY.xattr.user.a", b"\x00=\n\xff")
    )
    assert records.xattrs() == ((b"user.a", b"\x00=\n\xff"), (b"user.\xe4", b"\0\1\2"))


def test_attributes_that_cannot_be() -> None:
    for content in (
        pax.record(b"SCHILY.xattr.", b"x"),
        pax.record(b"SCHILY.xattr." + b"x" * 256, b"x"),
        pax.record(b"LIBARCHIVE.xattr.user.a", b"!"),
    ):
        with pytest.raises(ValueError, match="extended attribute"):
            Records().updated(content).xattrs()
