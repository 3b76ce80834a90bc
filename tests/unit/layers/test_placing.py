import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.layers.node import BLOCK
from bootworthy.layers.placing import BodyWriter, Placer, checksum

LENGTHS = st.sampled_from([0, 1, 511, 4095, 4096, 100_000, 256 << 10, (256 << 10) - 1, 1 << 20, (2 << 20) + 1, 5 << 20])


def placed(path: Path, pieces: list[bytes], *, aligned: bool) -> int:
    with path.open("wb", buffering=0) as file:
        store = BodyWriter(file.fileno())
        placer = Placer(store.write)
        for piece in pieces:
            placer.put(piece)
            if aligned:
                placer.align()
        placer.flush()
        store.finish()
        return store.checksum


@given(lengths=st.lists(st.tuples(LENGTHS, st.booleans()), max_size=6), aligned=st.booleans())
@settings(max_examples=60, deadline=None)
def test_what_was_put_is_there_and_summed(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[tuple[int, bool]], *, aligned: bool
) -> None:
    path = tmp_path_factory.mktemp("body") / "body"
    pieces = [bytes(length) if zero else (b"\0" + b"content" * length)[:length] for length, zero in lengths]
    wanted = b"".join(piece + bytes(-len(piece) % BLOCK if aligned else 0) for piece in pieces)
    found = placed(path, pieces, aligned=aligned)
    assert path.read_bytes() == wanted
    assert found == zlib.crc32(wanted)
    with path.open("rb") as file:
        assert checksum(file.fileno()) == found


def test_large_runs_of_zeros_take_no_room(tmp_path: Path) -> None:
    path = tmp_path / "body"
    placed(
        path, [b"start".ljust(BLOCK, b"\0"), bytes(8 << 20), b"end".ljust(BLOCK, b"\0"), bytes(8 << 20)], aligned=True
    )
    status = os.stat(path)
    assert status.st_size == (16 << 20) + 2 * BLOCK
    assert status.st_blocks * 512 < 2 << 20
