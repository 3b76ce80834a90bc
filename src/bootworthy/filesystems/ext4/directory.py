"""Directory blocks: a list while one block is enough, a hash tree beyond (ext4: Directory Entries)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

from bootworthy.errors import RefusedError
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.dirhash import State, half_md4
from bootworthy.filesystems.ext4.options import BLOCK
from bootworthy.layers.node import Kind

_ENTRY = struct.Struct("<IHBB")
_TAIL = struct.Struct("<IHBBI")
_TYPES = {
    Kind.FILE: 1, Kind.DIRECTORY: 2, Kind.CHARACTER: 3, Kind.BLOCK: 4, Kind.FIFO: 5, Kind.SOCKET: 6, Kind.SYMLINK: 7,
}  # fmt: skip
_DIRECTORY = 2
_HALF_MD4 = 1
LOST_AND_FOUND = 4
"""Blocks that lost+found gets, so that e2fsck need not allocate when it saves files."""


class Entry(NamedTuple):
    """A name."""

    name: bytes
    number: int
    """Its inode."""
    type: int

    @classmethod
    def of(cls, name: bytes, number: int, kind: Kind) -> Entry:
        """The entry for a node of a kind."""
        return cls(name, number, _TYPES[kind])


class Writer:
    """Writes the directories of one filesystem."""

    __slots__ = ("_room", "_start", "_sums")

    def __init__(self, sums: Checksums | None, start: State) -> None:
        self._sums = sums
        self._start = start
        self._room = BLOCK - (_TAIL.size if sums else 0)

    def pack(self, number: int, parent: int, entries: Sequence[Entry], *, blocks: int = 1) -> tuple[bytes, bool]:
        """All blocks of directory `number`, and whether they are a hash tree.

        `entries` are without `.` and `..`; a list gets at least `blocks` blocks.

        Raises:
            RefusedError: `ext4.directory-too-large`.
        """
        dots = [Entry(b".", number, _DIRECTORY), Entry(b"..", parent, _DIRECTORY)]
        if 24 + sum([len(entry.name) + 11 & ~3 for entry in entries]) > self._room:
            return self._tree(number, dots, entries), True
        packed = [self._leaf(number, [*dots, *entries])]
        packed += [self._leaf(number, [])] * (blocks - 1)
        return b"".join(packed), False

    def _leaf(self, number: int, entries: Sequence[Entry]) -> bytes:
        room = self._room
        content = bytearray(room)
        position = last = 0
        pack_into = _ENTRY.pack_into
        for name, inode, kind in entries:
            length = len(name)
            last = position
            pack_into(content, position, inode, length + 11 & ~3, length, kind)
            content[position + 8 : position + 8 + length] = name
            position += length + 11 & ~3
        struct.pack_into("<H", content, last + 4, room - last)
        if self._sums is None:
            return bytes(content)
        body = bytes(content)
        return body + _TAIL.pack(0, _TAIL.size, 0, 0xDE, self._sums.owned(number, body))

    def _tree(self, number: int, dots: list[Entry], entries: Sequence[Entry]) -> bytes:
        leaves = self._leaves(entries)
        tail = 1 if self._sums else 0
        widest, wide = (BLOCK - 32) // 8 - tail, (BLOCK - 8) // 8 - tail
        inner = 0 if len(leaves) <= widest else -(-len(leaves) // wide)
        if inner > widest:
            raise RefusedError(
                "ext4.directory-too-large", f"a directory of {len(entries)} names is more than ext4 can index",
                hint="spread its files over several directories",
            )  # fmt: skip
        pointers = [(leaf[0], 1 + inner + place) for place, leaf in enumerate(leaves)]
        indexes = []
        if inner:
            head = _ENTRY.pack(0, BLOCK, 0, 0)
            groups = [pointers[start : start + wide] for start in range(0, len(pointers), wide)]
            indexes = [self._index(number, head, group, wide) for group in groups]
            pointers = [(group[0][0], 1 + place) for place, group in enumerate(groups)]
        head = _ENTRY.pack(dots[0].number, 12, 1, _DIRECTORY) + b".\0\0\0"
        head += _ENTRY.pack(dots[1].number, BLOCK - 12, 2, _DIRECTORY) + b"..\0\0"
        head += struct.pack("<IBBBB", 0, _HALF_MD4, 8, 1 if inner else 0, 0)
        root = self._index(number, head, pointers, widest)
        return b"".join([root, *indexes, *(self._leaf(number, leaf[1]) for leaf in leaves)])

    def _leaves(self, entries: Sequence[Entry]) -> list[tuple[int, list[Entry]]]:
        """Entries by hash, a block full at a time, each with the lowest hash it is found by."""
        hashed = sorted([(half_md4(entry.name, self._start), entry) for entry in entries])
        leaves: list[tuple[int, list[Entry]]] = []
        used, last = BLOCK, 0
        for (major, _), entry in hashed:
            length = len(entry.name) + 11 & ~3
            if used + length > self._room:
                # The lowest bit says that names of this hash stand in the block before, too.
                leaves.append((major | 1 if leaves and major == last else major, []))
                used = 0
            leaves[-1][1].append(entry)
            used += length
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
