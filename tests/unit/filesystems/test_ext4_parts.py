from __future__ import annotations

import itertools
import struct
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import RefusedError, UsageError
from bootworthy.filesystems.ext4 import checksum, dirhash, extents, geometry, inode, journal, xattr
from bootworthy.filesystems.ext4.extents import Extent
from bootworthy.filesystems.ext4.options import Options
from tests import trees

VOLUME = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def test_checksum_is_crc32c_that_is_not_inverted() -> None:
    assert checksum.plain(b"123456789") == 0xE3069283 ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("seed", "name", "expected"),
    [
        (bytes(16), b"hello", (0x1746DA32, 0x420013B5)),
        (VOLUME.bytes, b"a", (0xA7E8B272, 0xB17CCBDE)),
        (VOLUME.bytes, b"exactly-thirty-two-bytes-long-xx", (0x255C771C, 0xAA0DF0E6)),
        (
            VOLUME.bytes,
            b"a-name-of-more-than-thirty-two-bytes-that-takes-three-rounds-to-hash",
            (0x6A0949FA, 0xC10E6F6C),
        ),
    ],
)
def test_directory_hashes_as_debugfs_says(seed: bytes, name: bytes, expected: tuple[int, int]) -> None:
    """Values of `debugfs -R "dx_hash -h half_md4 -s SEED NAME"` of e2fsprogs 1.47.0."""
    assert dirhash.half_md4([name], dirhash.state(seed)) == [expected[0] << 32 | expected[1]]


def test_directory_hashes_do_not_depend_on_what_is_hashed_beside() -> None:
    """More names than are hashed at once, of every length, so that all numbers of blocks are mixed."""
    names = [bytes([number % 251, number % 256]) * 128 for number in range(3000)]
    names = [name[: 1 + number % 255] for number, name in enumerate(names)]
    start = dirhash.state(VOLUME.bytes)
    assert dirhash.half_md4(names, start) == [dirhash.half_md4([name], start)[0] for name in names]


@given(st.integers(-(2**31) * 10**9, 5 * 2**31 * 10**9 - 1))
def test_times_keep_their_nanoseconds(time: int) -> None:
    low, extra = inode.timestamp(time)
    signed = low - 2**32 if low >= 2**31 else low
    assert (signed + ((extra & 3) << 32)) * 10**9 + (extra >> 2) == time


def test_times_out_of_range_are_clamped() -> None:
    assert inode.timestamp(-(10**30)) == (2**31, 0)
    assert inode.timestamp(10**30) == (2**31 - 1, 2)


@pytest.mark.parametrize(
    ("major", "minor", "words"),
    [(5, 1, (0x501, 0)), (255, 255, (0xFFFF, 0)), (8, 256, (0, 0x100800)), (4095, 0xFFFFF, (0, 0xFFFFFFFF))],
)
def test_device_numbers(major: int, minor: int, words: tuple[int, int]) -> None:
    assert struct.unpack("<II", inode.device(major, minor)[:8]) == words


pieces = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 70000)), max_size=20)


@given(pieces)
def test_merged_extents_map_the_same_blocks(drawn: list[tuple[int, int, int]]) -> None:
    logical = block = 0
    given_extents = []
    for logical_gap, block_gap, length in drawn:
        logical, block = logical + logical_gap, block + block_gap
        given_extents.append(Extent(logical, block, length))
        logical, block = logical + length, block + length
    merged = extents.merged(given_extents)
    assert all(extent.length <= extents.LONGEST for extent in merged)
    assert len(merged) <= extents.most(len(given_extents), sum(each.length for each in given_extents))
    for one, other in itertools.pairwise(merged):
        assert one.logical + one.length <= other.logical

    def joined(found: list[Extent]) -> list[list[int]]:
        runs: list[list[int]] = []
        for start, place, length in found:
            if runs and runs[-1][0] + runs[-1][2] == start and runs[-1][1] + runs[-1][2] == place:
                runs[-1][2] += length
            else:
                runs.append([start, place, length])
        return runs

    assert joined(merged) == joined(given_extents)


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (4, 0), (5, 1), (1360, 4), (1361, 6), (470_000, 1389)])
def test_tree_blocks_are_counted_as_they_are_made(count: int, expected: int) -> None:
    made = extents.tree([Extent(2 * n, 3 * n, 1) for n in range(count)], 12, iter(range(9, 10**6)).__next__, None)[1]
    assert extents.nodes(count) == len(made) == expected


@given(blocks=st.integers(1, 2**24), inodes=st.integers(12, 200_000))
def test_fixed_parts_never_meet(blocks: int, inodes: int) -> None:
    found = geometry.arrange(blocks, inodes)
    if found is None:
        assert blocks < 20_000 or inodes > geometry.MOST_INODES * -(-blocks // geometry.GROUP) // 2
        return
    assert found.blocks <= blocks
    assert found.inodes >= inodes
    spans = sorted([*found.fixed, *found.spans])
    assert spans[0][0] == 0
    assert spans[-1][1] <= found.blocks
    for one, other in itertools.pairwise(spans):
        assert one[0] < one[1] <= other[0]
    assert found.capacity == sum(end - start for start, end in found.spans)
    assert len(found.fixed) == 3 * found.groups + len(found.backups())


def test_backups_are_where_sparse_super_wants_them() -> None:
    assert sorted(geometry.backup_groups(100)) == [0, 1, 3, 5, 7, 9, 25, 27, 49, 81]


@pytest.mark.parametrize(
    ("volume", "expected"), [(2047, 0), (2048, 1024), (2**18, 8192), (2**20, 16384), (2**30, 2**18)]
)
def test_journal_is_as_large_as_mke2fs_makes_it(volume: int, expected: int) -> None:
    assert journal.blocks(volume) == expected


def test_small_attributes_stay_in_the_inode() -> None:
    packed = xattr.pack(((b"security.capability", trees.CAPABILITY),), "/bin/ping")
    assert len(packed.inline) == xattr.INLINE
    assert packed.block == b""
    assert trees.CAPABILITY in packed.inline


def test_large_attributes_take_a_block() -> None:
    packed = xattr.pack(((b"user.large", b"v" * 3000), (b"user.small", b"v")), "/f")
    assert len(packed.inline) == xattr.INLINE
    assert len(packed.block) == 4096


@pytest.mark.parametrize(
    ("xattrs", "code"),
    [
        (((b"user.large", bytes(5000)),), "ext4.xattr-too-large"),
        (((b"user." + b"n" * 256, b""),), "ext4.xattr-name"),
        (((b"system.posix_acl_access", b"\x03\0\0\0"),), "ext4.acl"),
        (((b"system.posix_acl_access", trees.ACL[:-1]),), "ext4.acl"),
        (((b"system.posix_acl_access", trees.acl((0x40, 0, 0))),), "ext4.acl"),
    ],
)
def test_attributes_that_do_not_fit_name_the_path(xattrs: xattr.Xattrs, code: str) -> None:
    with pytest.raises(RefusedError) as caught:
        xattr.pack(xattrs, "/some/path")
    assert (caught.value.code, caught.value.where) == (code, "/some/path")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"size": 2**30, "free": 0.5}, "ext4.size"),
        ({"size": 0}, "ext4.size"),
        ({"size": 2**44 + 1}, "ext4.size"),
        ({"free": 1.0}, "ext4.free"),
        ({"free": -1}, "ext4.free"),
        ({"inodes": 0}, "ext4.inodes"),
        ({"label": "seventeen letters"}, "ext4.label"),
        ({"time": -1}, "ext4.time"),
        ({"uuid": uuid.UUID(int=0)}, "ext4.uuid"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Options(**{"uuid": VOLUME, **options})  # type: ignore[arg-type]
    assert caught.value.code == code
