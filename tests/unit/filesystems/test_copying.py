"""File data from bodies into volumes, on whatever filesystem the tests run."""

import errno
import os
import random
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootworthy.errors import IntegrityError
from bootworthy.filesystems import copying
from bootworthy.filesystems.copying import Copy
from bootworthy.host import copies, direct
from bootworthy.host.direct import DirectWriter
from bootworthy.host.progress import Task
from bootworthy.layers.node import BLOCK, Kind, Node, Tree

MIB = 1 << 20


class Count:
    """A task that only counts."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, amount: int) -> None:
        self.done += amount

    def skip(self, amount: int) -> None:
        raise AssertionError


def tree_with(*bodies: Path) -> Tree:
    return Tree(Node(Kind.DIRECTORY, 0o755), bodies)


def copied(tree: Tree, runs: list[Copy], out: Path, size: int) -> int:
    """Copy runs into a new file; bytes that were reported."""
    count = Count()
    with out.open("wb") as file:
        file.truncate(size)
        copying.copy(tree, runs, file.fileno(), cast("Task", count))
    return count.done


@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 5000), st.integers(1, 1500), st.integers(0, 3)), max_size=8),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_runs_arrive_where_they_should(
    tmp_path_factory: pytest.TempPathFactory, wishes: list[tuple[int, int, int, int]], shares: bool, past_cache: bool
) -> None:
    folder = tmp_path_factory.mktemp("copying")
    draw = random.Random(len(wishes))
    bodies = folder / "a", folder / "b"
    for path in bodies:
        with path.open("wb") as file:
            for _ in range(7):
                file.write(draw.randbytes(3 * MIB))
                file.seek(draw.randrange(0, 512) * BLOCK, os.SEEK_CUR)
            file.write(draw.randbytes(5))
    runs: list[Copy] = []
    expected = bytearray()
    for body, position, blocks, gap in wishes:
        content = bodies[body].read_bytes()
        start = min(position, len(content) // BLOCK - blocks) * BLOCK
        expected += bytes(gap * BLOCK)
        runs.append(Copy(body, start, len(expected), blocks * BLOCK))
        expected += content[start : start + blocks * BLOCK]
    with pytest.MonkeyPatch.context() as patch:
        if not shares:
            patch.setattr(copies, "share_range", lambda *_: False)
        patch.setattr(direct, "pays", lambda _: past_cache)
        done = copied(tree_with(*bodies), runs, folder / "out", len(expected))
    assert done == sum(run.length for run in runs)
    assert (folder / "out").read_bytes() == expected


def test_the_last_block_of_a_body_may_be_cut_and_holes_stay(tmp_path: Path) -> None:
    with (tmp_path / "body").open("wb") as file:
        file.write(b"x" * 9 * MIB)
        file.seek(64 * MIB)
        file.write(b"end")
    blocks = (64 * MIB + BLOCK) // BLOCK
    copied(tree_with(tmp_path / "body"), [Copy(0, 0, 0, blocks * BLOCK)], tmp_path / "out", blocks * BLOCK)
    found = (tmp_path / "out").read_bytes()
    assert found == (b"x" * 9 * MIB).ljust(64 * MIB, b"\0") + b"end".ljust(BLOCK, b"\0")
    assert (tmp_path / "out").stat().st_blocks * 512 < 12 * MIB


def test_a_body_that_is_too_short_is_named(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"x" * 2 * BLOCK)
    with pytest.raises(IntegrityError) as caught:
        copied(tree_with(tmp_path / "body"), [Copy(0, 0, 0, 3 * BLOCK)], tmp_path / "out", 3 * BLOCK)
    assert caught.value.code == "volume.body"
    assert caught.value.where == str(tmp_path / "body")


def test_a_disk_that_fills_up_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "body").write_bytes(b"x" * 40 * MIB)
    write = DirectWriter.write
    left = [3]

    def until_full(self: DirectWriter, view: memoryview, at: int) -> None:
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= 1
        write(self, view, at)

    monkeypatch.setattr(copies, "share_range", lambda *_: False)
    monkeypatch.setattr(direct, "pays", lambda _: True)
    monkeypatch.setattr(DirectWriter, "write", until_full)
    with pytest.raises(OSError, match="No space left"):
        copied(tree_with(tmp_path / "body"), [Copy(0, 0, 0, 40 * MIB)], tmp_path / "out", 40 * MIB)


@pytest.mark.parametrize("before", [b"", b"something" * BLOCK])
def test_a_blank_file_is_one_hole(tmp_path: Path, before: bytes) -> None:
    (tmp_path / "out").write_bytes(before)
    with (tmp_path / "out").open("r+b") as file:
        copying.blank(file.fileno(), 3 * MIB)
    assert (tmp_path / "out").read_bytes() == bytes(3 * MIB)
    assert not (tmp_path / "out").stat().st_blocks
