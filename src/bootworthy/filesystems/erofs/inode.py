"""Inodes in their long form, which keeps its own time (`struct erofs_inode_extended`)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from bootworthy.filesystems.erofs import xattr
from bootworthy.layers.node import BLOCK, Kind, Node

SIZE = 64
SLOT = 32
"""Inodes begin on multiples of this, and are named by them."""
_HOLE = 0xFFFFFFFF
_INODE = struct.Struct("<HHHHQIIIIqII16x")
_LONG = 1
_CHUNK_INDEXES = 0x20
_SECOND = 10**9


class Layout:
    """Where the content of an inode is; the values of `i_format`."""

    PLAIN = 0
    """In consecutive blocks."""
    INLINE = 2
    """The same, but the last piece stands behind the inode."""
    CHUNKED = 4
    """In chunks of one size, each anywhere or a hole."""


class Place(NamedTuple):
    """Where a chunk is."""

    chunk: int
    """Its number in the file."""
    device: int
    """0 is the volume itself, others count from 1."""
    block: int


@dataclass(slots=True, eq=False)
class Inode:
    """What stands in an inode record; one for each node, so it can change while it is planned."""

    number: int
    """For `stat` on machines of 32 bits."""
    node: Node
    size: int = 0
    links: int = 1
    xattrs: bytes = b""
    layout: int = Layout.PLAIN
    start: int = 0
    """Its first block, where it has whole blocks."""
    bits: int = 0
    """Blocks of a chunk, as a power of two."""
    places: list[Place] = field(default_factory=list)
    """Chunks that are no holes, in order."""
    indexed: bool = False
    """Whether chunks name their device."""
    nid: int = 0
    parent: Inode | None = None

    @property
    def chunks(self) -> int:
        """How many, holes included."""
        return -(-self.size // (BLOCK << self.bits)) if self.layout == Layout.CHUNKED else 0

    @property
    def head(self) -> int:
        """Bytes of inode, attributes and chunks."""
        length = SIZE + len(self.xattrs)
        unit = 8 if self.indexed else 4
        return (length + -length % unit) + self.chunks * unit if self.layout == Layout.CHUNKED else length

    @property
    def tail(self) -> int:
        """Bytes of content behind the head."""
        return self.size % BLOCK if self.layout == Layout.INLINE else 0

    @property
    def blocks(self) -> int:
        """Whole blocks of content."""
        return self.size // BLOCK if self.layout == Layout.INLINE else -(-self.size // BLOCK)

    def pack(self) -> bytes:
        """The head."""
        node = self.node
        seconds, fraction = divmod(node.mtime, _SECOND)
        packed = _INODE.pack(
            self.layout << 1 | _LONG, xattr.count(self.xattrs), node.kind.value | node.mode & 0o7777, 0, self.size,
            self._where(), self.number & 0xFFFFFFFF, node.uid, node.gid, seconds, fraction, self.links,
        )  # fmt: skip
        if self.layout != Layout.CHUNKED:
            return packed + self.xattrs
        head = packed + self.xattrs
        return head + bytes(-len(head) % (8 if self.indexed else 4)) + self._chunks()

    def _where(self) -> int:
        if self.node.kind in {Kind.CHARACTER, Kind.BLOCK}:
            major, minor = self.node.device
            return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12
        if self.layout == Layout.CHUNKED:
            return self.bits | (_CHUNK_INDEXES if self.indexed else 0)
        return self.start

    def _chunks(self) -> bytes:
        if self.indexed:
            out = bytearray(struct.pack("<HHI", 0, 0, _HOLE) * self.chunks)
            for chunk, device, block in self.places:
                struct.pack_into("<HHI", out, 8 * chunk, 0, device, block)
        else:
            out = bytearray(b"\xff" * 4 * self.chunks)
            for chunk, _, block in self.places:
                struct.pack_into("<I", out, 4 * chunk, block)
        return bytes(out)
