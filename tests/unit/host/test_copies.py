import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.host.copies import copy_stored

BLOCK = 4096


@given(runs=st.lists(st.booleans(), max_size=12), start=st.integers(0, 60_000), length=st.integers(0, 60_000))
@settings(max_examples=60, deadline=None)
def test_a_range_of_a_file_with_holes_arrives(
    tmp_path_factory: pytest.TempPathFactory, runs: list[bool], start: int, length: int
) -> None:
    folder: Path = tmp_path_factory.mktemp("copies")
    with (folder / "source").open("w+b") as source, (folder / "target").open("w+b") as target:
        for stored in runs:
            source.write(b"x" * BLOCK) if stored else source.seek(BLOCK, os.SEEK_CUR)
        source.flush()
        source.truncate(len(runs) * BLOCK)
        content = (folder / "source").read_bytes()[start : start + length]
        told: list[int] = []
        count = copy_stored(source.fileno(), start, target.fileno(), BLOCK, length, told.append)
        assert count == sum(told) == len(content)
        target.truncate(BLOCK + length)
    assert (folder / "target").read_bytes() == bytes(BLOCK) + content.ljust(length, b"\0")


def test_holes_stay_holes(tmp_path: Path) -> None:
    with (tmp_path / "source").open("w+b") as source, (tmp_path / "target").open("w+b") as target:
        source.seek(8 << 20)
        source.write(b"end")
        source.flush()
        assert copy_stored(source.fileno(), 0, target.fileno(), 0, (8 << 20) + 3) == (8 << 20) + 3
    assert os.stat(tmp_path / "target").st_blocks * 512 < 1 << 20
