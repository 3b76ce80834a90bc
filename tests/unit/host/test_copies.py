import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.host import copies

BLOCK = 4096


@given(runs=st.lists(st.booleans(), max_size=12), start=st.integers(0, 60_000), length=st.integers(0, 60_000))
@settings(max_examples=60, deadline=None)
def test_what_is_no_hole_is_stored(
    tmp_path_factory: pytest.TempPathFactory, runs: list[bool], start: int, length: int
) -> None:
    folder: Path = tmp_path_factory.mktemp("copies")
    with (folder / "source").open("w+b") as source:
        for stored in runs:
            source.write(b"x" * BLOCK) if stored else source.seek(BLOCK, os.SEEK_CUR)
        source.flush()
        source.truncate(len(runs) * BLOCK)
        content = (folder / "source").read_bytes()
        end = min(start + length, len(content))
        rebuilt = bytearray(len(content))
        for first, after in copies.stored(source.fileno(), start, end):
            assert start <= first < after <= end
            rebuilt[first:after] = content[first:after]
    assert rebuilt[start:end] == content[start:end]


def test_holes_stay_holes(tmp_path: Path) -> None:
    with (tmp_path / "source").open("w+b") as source, (tmp_path / "target").open("w+b") as target:
        source.seek(8 << 20)
        source.write(b"end")
        source.flush()
        copies.copy_sparse(source.fileno(), target.fileno())
    assert (tmp_path / "target").read_bytes() == bytes(8 << 20) + b"end"
    assert os.stat(tmp_path / "target").st_blocks * 512 < 1 << 20


def test_blocks_are_shared_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"x" * 2 * BLOCK)
    with (tmp_path / "source").open("rb") as source, (tmp_path / "target").open("w+b") as target:
        target.truncate(4 * BLOCK)
        shared = copies.share_range(source.fileno(), BLOCK, BLOCK, target.fileno(), 2 * BLOCK)
        expected = bytes(2 * BLOCK) + b"x" * BLOCK if shared else bytes(3 * BLOCK)
    assert (tmp_path / "target").read_bytes() == expected + bytes(BLOCK)
