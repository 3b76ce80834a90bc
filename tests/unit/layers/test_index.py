import contextlib
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError
from bootworthy.layers import index
from bootworthy.layers.entry import Entry
from bootworthy.layers.index import Index, Layer
from bootworthy.layers.node import Chunk, Kind

STORED = 1 << 40
U32 = st.integers(0, 2**32 - 1)
BLOCKS = st.integers(0, 2**20).map(lambda number: number * 4096)
ENTRIES = st.builds(
    Entry,
    path=st.binary(max_size=300),
    kind=st.sampled_from([None, *Kind]),
    mode=st.integers(0, 0o7777),
    uid=U32,
    gid=U32,
    mtime=st.integers(-(2**62) * 10**9, 2**62 * 10**9),
    size=st.integers(0, 2**62),
    target=st.binary(max_size=100),
    device=st.tuples(U32, U32),
    xattrs=st.lists(st.tuples(st.binary(min_size=1, max_size=255), st.binary(max_size=70000)), max_size=3).map(tuple),
    chunks=st.lists(st.builds(Chunk, BLOCKS, st.integers(1, 2**30), st.just(0), BLOCKS), max_size=4).map(tuple),
)
INDEXES = st.builds(
    Index, st.just(Layer("sha256:" + "ab" * 32, "sha256:" + "cd" * 32, 12345, STORED)), st.lists(ENTRIES, max_size=6)
)
SMALL = Index(
    Layer("sha256:" + "ab" * 32, "sha256:" + "cd" * 32, 1, 8192),
    [Entry(b"a", Kind.FILE, size=3, chunks=(Chunk(0, 3, 0, 4096),), xattrs=((b"user.x", b"y"),)), Entry(b"b", None)],
)


@given(INDEXES)
@settings(deadline=None)
def test_what_was_written_is_read(made: Index) -> None:
    data = index.encode(made)
    assert index.decode(data) == made
    assert index.peek(data) == made.layer


@given(st.data())
def test_any_damage_is_noticed(data: st.DataObject) -> None:
    whole = bytearray(index.encode(SMALL))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(IntegrityError):
        # only what the header says of the layer is not in the checksum; who looks it up compares that
        assert index.decode(bytes(whole)).entries == SMALL.entries


@given(st.data())
def test_breaking_off_is_noticed(data: st.DataObject) -> None:
    whole = index.encode(SMALL)
    with pytest.raises(IntegrityError) as caught:
        index.decode(whole[: data.draw(st.integers(0, len(whole) - 1))], where="here")
    assert caught.value.code == "layer.bad-index"
    assert caught.value.where == "here"


@pytest.mark.parametrize("chunk", [Chunk(1, 3, 0, 0), Chunk(0, 3, 0, 1), Chunk(0, 4097, 0, 4096)])
def test_chunks_must_lie_in_the_body_on_blocks(chunk: Chunk) -> None:
    entry = dataclasses.replace(SMALL.entries[0], chunks=(chunk,))
    with pytest.raises(IntegrityError, match="outside its body"):
        index.decode(index.encode(Index(SMALL.layer, [entry])))
