"""Directory blocks: a list while one block is enough, a hash tree beyond (ext4: Directory Entries)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from bootworthy.errors import RefusedError
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.dirhash import State, half_md4
from bootworthy.filesystems.ext4.options import BLOCK
from bootworthy.layers.node import Kind

TYPES = {
    Kind.FILE: 1, Kind.DIRECTORY: 2, Kind.CHARACTER: 3, Kind.BLOCK: 4, Kind.FIFO: 5, Kind.SOCKET: 6, Kind.SYMLINK: 7,
}  # fmt: skip
"""What an entry says of each kind."""
LOST_AND_FOUND = 4
"""Blocks that lost+found gets, so that e2fsck need not allocate when it saves files."""

_ENTRY = struct.Struct("<IHBB")
_PACKERS = tuple([struct.Struct(f"<IHBB{length + 3 & ~3}s").pack for length in range(256)])
"""Pack an entry whose name has so many bytes: one call for each of many."""
_LENGTH = struct.Struct("<H")
"""The length of an entry, four bytes into it."""
_TAIL = struct.Struct("<IHBBI")
_DIRECTORY = 2
_HALF_MD4 = 1

Entry = tuple[bytes, int, int]
"""A name, its inode, its type."""


class Writer:
    """Writes the directories of one filesystem."""

    __slots__ = ("_room", "_start", "_sums")

    def __init__(self, sums: Checksums | None, start: State) -> None:
        self._sums = sums
        self._start = start
        self._room = BLOCK - (_TAIL.size if sums else 0)

    def pack(self, number: int, parent: int, entries: Sequence[Entry], *, blocks: int = 1) -> tuple[bytes, bool]:
        """All blocks of directory `number`, and whether they are a hash tree.

        `entries` are in the order of their names, without `.` and `..`; a list gets at least `blocks` blocks.

        Raises:
            RefusedError: `ext4.directory-too-large`.
        """
        packed = [
            _PACKERS[len(name)](inode, len(name) + 11 & ~3, len(name), kind, name) for name, inode, kind in entries
        ]
        dots = [_PACKERS[1](number, 12, 1, _DIRECTORY, b"."), _PACKERS[2](parent, 12, 2, _DIRECTORY, b"..")]
        if 24 + sum(map(len, packed)) > self._room:
            return self._tree(number, dots, [entry[0] for entry in entries], packed), True
        leaves = [self._leaf(number, dots + packed)]
        leaves += [self._leaf(number, [bytes(_ENTRY.size)])] * (blocks - 1)
        return b"".join(leaves), False

    def _leaf(self, number: int, packed: Sequence[bytes]) -> bytes:
        """One block of entries, the last of which takes what is left."""
        *before, last = packed
        left = self._room - sum(map(len, before))
        body = b"".join((*before, last[:4], _LENGTH.pack(left), last[6:], bytes(left - len(last))))
        if self._sums is None:
            return body
        return body + _TAIL.pack(0, _TAIL.size, 0, 0xDE, self._sums.owned(number, body))

    def _tree(self, number: int, dots: Sequence[bytes], names: Sequence[bytes], packed: Sequence[bytes]) -> bytes:
        leaves = self._leaves(names, packed)
        tail = 1 if self._sums else 0
        widest, wide = (BLOCK - 32) // 8 - tail, (BLOCK - 8) // 8 - tail
        inner = 0 if len(leaves) <= widest else -(-len(leaves) // wide)
        if inner > widest:
            raise RefusedError(
                "ext4.directory-too-large", f"a directory of {len(names)} names is more than ext4 can index",
                hint="spread its files over several directories",
            )  # fmt: skip
        pointers = [(leaf[0], 1 + inner + place) for place, leaf in enumerate(leaves)]
        indexes = []
        if inner:
            head = _ENTRY.pack(0, BLOCK, 0, 0)
            groups = [pointers[start : start + wide] for start in range(0, len(pointers), wide)]
            indexes = [self._index(number, head, group, wide) for group in groups]
            pointers = [(group[0][0], 1 + place) for place, group in enumerate(groups)]
        head = dots[0] + dots[1][:4] + _LENGTH.pack(BLOCK - 12) + dots[1][6:]
        head += struct.pack("<IBBBB", 0, _HALF_MD4, 8, 1 if inner else 0, 0)
        root = self._index(number, head, pointers, widest)
        return b"".join([root, *indexes, *(self._leaf(number, leaf[1]) for leaf in leaves)])

    def _leaves(self, names: Sequence[bytes], packed: Sequence[bytes]) -> list[tuple[int, list[bytes]]]:
        """Entries by hash, a block full at a time, each block with the lowest hash it is found by."""
        hashes = half_md4(names, self._start)
        leaves: list[tuple[int, list[bytes]]] = []
        used, last = BLOCK, 0
        for place in sorted(range(len(names)), key=hashes.__getitem__):
            entry = packed[place]
            used += len(entry)
            major = hashes[place] >> 32
            if used > self._room:
                # The lowest bit says that names of this hash stand in the block before, too.
                leaves.append((major | 1 if leaves and major == last else major, []))
                used = len(entry)
            leaves[-1][1].append(entry)
            last = major
        return leaves

    def _index(self, number: int, head: bytes, pointers: Sequence[tuple[int, int]], limit: int) -> bytes:
        """One block of the tree. The hash of its first pointer is implied: limit and count stand in its place."""
        out = bytearray(head)
        out += struct.pack("<HHI", limit, len(pointers), pointers[0][1])
        for major, block in pointers[1:]:
            out += struct.pack("<II", major, block)
        used = bytes(out)
        out.extend(bytes(BLOCK - len(out)))
        if self._sums:
            struct.pack_into("<I", out, BLOCK - 4, self._sums.owned(number, used + bytes(8)))
        return bytes(out)
