from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import BuildError
from bootworthy.filesystems.cpio import CpioEntry, file, write
from bootworthy.filesystems.cpio.read import read

paths = st.binary(min_size=1, max_size=300).filter(
    lambda path: b"\0" not in path and not path.startswith(b"/") and path != b"TRAILER!!!"
)
entries = st.builds(
    CpioEntry, path=paths, mode=st.integers(0, 0o177777), data=st.binary(max_size=2000),
    device=st.tuples(st.integers(0, 4095), st.integers(0, 2**20 - 1)),
)  # fmt: skip
ARCHIVE = write([file(b"init", b"#!/bin/sh\n", 0o755), CpioEntry(b"dev", stat.S_IFDIR | 0o755)])


@given(st.lists(entries, max_size=20), st.integers(0, 2**32 - 1), st.integers(0, 5))
def test_what_was_written_is_read(given_entries: list[CpioEntry], mtime: int, padding: int) -> None:
    data = bytes(4 * padding) + write(given_entries, mtime=mtime) + b"rest"
    members, end = read(data, 4 * padding)
    assert [
        CpioEntry(each.path, each.mode, data[each.start : each.start + each.size], each.device) for each in members
    ] == given_entries
    assert {(each.uid, each.gid, each.mtime) for each in members} <= {(0, 0, mtime)}
    assert data[end:].strip(b"\0") == b"rest"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no trailer"),
        (b"0707", "no member begins"),
        (b"070707" + bytes(200), "no member begins"),
        (b"070701" + b"0" * 50, "cut off in a header"),
        (b"070701" + b"0" * 104, "a name has 0 bytes"),
        (ARCHIVE.replace(b"0000000A", b"-0000001", 1), "no hexadecimal number"),
        (ARCHIVE.replace(b"0000000A", b"0000_00A", 1), "no hexadecimal number"),
        (ARCHIVE.replace(b"0000000A", b"FFFFFFFF", 1), "cut off in a file of 4294967295 bytes"),
        (ARCHIVE.replace(b"00000005", b"00000004", 1), "a name does not end"),
        (ARCHIVE.replace(b"00000005", b"0FFFFFFF", 1), "a name has 268435455 bytes"),
        (ARCHIVE.replace(b"TRAILER", b"trailer"), "no member begins"),
        (ARCHIVE[:120], "cut off in a file"),
    ],
)
def test_damage_is_said_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(BuildError) as caught:
        read(data)
    assert caught.value.code == "cpio.unreadable"
    assert message in caught.value.message
    assert "at byte" in caught.value.message


@given(st.data())
def test_mangled_archives_end_in_an_error_or_are_read(data: st.DataObject) -> None:
    mangled = bytearray(ARCHIVE)
    for _ in range(data.draw(st.integers(1, 5))):
        mangled[data.draw(st.integers(0, len(mangled) - 1))] = data.draw(st.sampled_from(b"\0 019AFfx_-\xff"))
    try:
        members, end = read(bytes(mangled[: data.draw(st.integers(0, len(mangled)))]))
    except BuildError as error:
        code = error.code
    else:
        code = ""
        assert all(each.start + each.size <= end for each in members)
    assert code in {"", "cpio.unreadable"}
