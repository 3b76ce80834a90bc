"""An ext4 volume, whoever wrote it, as the tree of files that it holds; no mount, no root.

What is read is bounded by what the file stores: a block of metadata is read for one owner, a directory has one name,
and names and pieces are counted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import HostError, NotFoundError
from bootworthy.filesystems.ext4.inode import ROOT
from bootworthy.filesystems.ext4.reading.attributes import attributes
from bootworthy.filesystems.ext4.reading.fault import unreadable
from bootworthy.filesystems.ext4.reading.names import names
from bootworthy.filesystems.ext4.reading.record import Record
from bootworthy.filesystems.ext4.reading.runs import runs
from bootworthy.filesystems.ext4.reading.volume import MAGIC, MAGIC_AT, Volume
from bootworthy.layers.bulk import bulk
from bootworthy.layers.node import Chunk, Kind, Node, Tree

MOST_NAMES = 5_000_000
MOST_PIECES = 5_000_000
LONGEST_PATH = 16384
"""Bytes; four times what Linux takes in one call."""
_LONGEST_TARGET = 4095
_SHORT = 60
_LOST_AND_FOUND = b"lost+found"
_SPECIAL = {Kind.CHARACTER, Kind.BLOCK}


def is_one(head: bytes) -> bool:
    """Whether a file that begins with these bytes, 2 KiB or more of them, says it is an ext2, ext3 or ext4 volume."""
    return head[MAGIC_AT : MAGIC_AT + 2] == MAGIC


def read(path: Path) -> Tree:
    """The tree in the volume `path`, which is its only body: content is read straight from there.

    An empty `lost+found` at the top is left out: it belongs to the filesystem. Chunks are on multiples of `BLOCK` only
    where the volume's blocks are no smaller.

    Raises:
        IntegrityError: `ext4.unreadable`: it is no ext4, damaged, in use, or has what we do not read.
        NotFoundError: `ext4.no-file`.
        HostError: `ext4.cannot-open`.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise NotFoundError("ext4.no-file", "there is no such file", where=str(path)) from error
    except OSError as error:
        raise HostError("ext4.cannot-open", f"cannot be opened: {error.strerror}", where=str(path)) from error
    try:
        with bulk():
            root = _Reader(Volume(path, descriptor)).root()
    finally:
        os.close(descriptor)
    return Tree(root, (path.absolute(),))


@dataclass(slots=True)
class _Reader:
    """One volume on its way into a tree."""

    volume: Volume
    nodes: dict[int, Node] = field(default_factory=dict)
    """By inode: a second name is the same node."""
    named: int = 0
    pieces: int = 0

    def root(self) -> Node:
        """The root directory with all that is below it."""
        root = self._node(ROOT)
        if root.kind is not Kind.DIRECTORY:
            raise unreadable("its root is no directory", self.volume.where)
        waiting = [(root, ROOT, 0)]
        while waiting:
            folder, number, length = waiting.pop()
            for name, child in names(self.volume, Record.read(self.volume, number)):
                node = self._named(folder, name, child)
                if node.kind is Kind.DIRECTORY:
                    if length + len(name) >= LONGEST_PATH:
                        raise unreadable(
                            f"directories nest deeper than {LONGEST_PATH} bytes of names", self.volume.where
                        )
                    waiting.append((node, child, length + len(name) + 1))
        lost = root.children.get(_LOST_AND_FOUND)
        if lost is not None and lost.kind is Kind.DIRECTORY and not lost.children:
            del root.children[_LOST_AND_FOUND]
        return root

    def _named(self, folder: Node, name: bytes, number: int) -> Node:
        """The node of an inode, under one more name."""
        self.named += 1
        if self.named > MOST_NAMES:
            raise unreadable(f"it has more than {MOST_NAMES} names", self.volume.where)
        known = self.nodes.get(number)
        if name in folder.children or (known is not None and known.kind is Kind.DIRECTORY):
            what = "a name is there twice" if name in folder.children else "a directory has two names"
            raise unreadable(f"{what}: {name.decode(errors='backslashreplace')}", self.volume.where)
        node = known or self._node(number)
        folder.children[name] = node
        return node

    def _node(self, number: int) -> Node:
        record = Record.read(self.volume, number)
        node = Node(
            record.kind, record.mode, record.uid, record.gid, record.mtime, attributes(self.volume, record),
        )  # fmt: skip
        if record.kind is Kind.FILE:
            node.size = record.size
            node.chunks = self._chunks(record)
        elif record.kind is Kind.SYMLINK:
            node.target = self._target(record)
        elif record.kind in _SPECIAL:
            node.device = record.device
        self.nodes[number] = node
        return node

    def _chunks(self, record: Record) -> tuple[Chunk, ...]:
        """Where the bytes of a file are; what lies behind its end belongs to nobody."""
        block, found = self.volume.block, []
        for logical, first, length in runs(self.volume, record):
            self.pieces += 1
            if self.pieces > MOST_PIECES:
                raise unreadable(f"its files are in more than {MOST_PIECES} pieces", self.volume.where)
            size = min(length * block, record.size - logical * block)
            if size > 0:
                found.append(Chunk(logical * block, size, 0, first * block))
        return tuple(found)

    def _target(self, record: Record) -> bytes:
        size = record.size
        if 0 < size < _SHORT and not record.has_tree:  # some writers say EXTENTS of short ones, too
            target = record.content[:size]
        elif 0 < size <= min(_LONGEST_TARGET, self.volume.block):
            first = next(runs(self.volume, record), None)
            target = b"" if first is None or first.logical else self.volume.block_at(first.block)[:size]
        else:
            target = b""
        if not target or b"\0" in target:
            raise unreadable(f"the symbolic link of inode {record.number} is damaged", self.volume.where)
        return target
