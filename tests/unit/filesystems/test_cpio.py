from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import UsageError
from bootworthy.filesystems.cpio import CpioEntry, character, directory, file, symlink, write

paths = st.binary(min_size=1, max_size=300).filter(
    lambda path: b"\0" not in path and not path.startswith(b"/") and path != b"TRAILER!!!"
)
entries = st.builds(
    CpioEntry, path=paths, mode=st.integers(0, 0o177777), data=st.binary(max_size=2000),
    device=st.tuples(st.integers(0, 4095), st.integers(0, 2**20 - 1)),
)  # fmt: skip


def read(archive: bytes) -> list[tuple[CpioEntry, tuple[int, ...]]]:
    """By buffer-format.rst: every member's entry, with inode, uid, gid, links and mtime."""
    found: list[tuple[CpioEntry, tuple[int, ...]]] = []
    position = 0
    while True:
        header = archive[position : position + 110]
        assert header[:6] == b"070701"
        fields = [int(header[start : start + 8], 16) for start in range(6, 110, 8)]
        inode, mode, uid, gid, links, mtime, size, _, _, major, minor, length, check = fields
        assert check == 0
        name = archive[position + 110 : position + 110 + length]
        assert name.endswith(b"\0")
        position += -(-(110 + length) // 4) * 4
        data = archive[position : position + size]
        position += -(-size // 4) * 4
        if name == b"TRAILER!!!\0":
            assert not archive[position:].strip(b"\0")
            return found
        found.append((CpioEntry(name[:-1], mode, data, (major, minor)), (inode, uid, gid, links, mtime)))


@given(st.lists(entries, max_size=20), st.integers(0, 2**32 - 1))
def test_what_went_in_comes_out(given_entries: list[CpioEntry], mtime: int) -> None:
    archive = write(given_entries, mtime=mtime)
    members = read(archive)
    assert [entry for entry, _ in members] == given_entries
    assert [facts[0] for _, facts in members] == list(range(1, len(members) + 1))
    assert {facts[1:3] + facts[4:] for _, facts in members} <= {(0, 0, mtime)}
    assert len(archive) % 512 == 0
    assert write(iter(given_entries), mtime=mtime) == archive


def test_kinds() -> None:
    made = [directory(b"d"), file(b"d/f", b"x", 0o755), symlink(b"l", b"d/f"), character(b"console", 5, 1)]
    assert [stat.S_IFMT(entry.mode) for entry in made] == [stat.S_IFDIR, stat.S_IFREG, stat.S_IFLNK, stat.S_IFCHR]
    assert [stat.S_IMODE(entry.mode) for entry in made] == [0o755, 0o755, 0o777, 0o600]
    # The kernel looks for hard links among files that have more than one, never among directories.
    assert [facts[3] for _, facts in read(write(made))] == [2, 1, 1, 1]


@pytest.mark.parametrize("path", [b"", b"/init", b"a\0b", b"n" * 4096, b"TRAILER!!!"])
def test_paths_the_kernel_would_not_take(path: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        write([file(path, b"")])
    assert caught.value.code == "cpio.path"
