"""The plan of a volume: where everything goes.

The superblock and the devices first; then file data in the order of its bodies, so that what earlier bodies hold keeps
its place when later ones change; then inodes, and the blocks of directories and long links. Files are whole blocks that
are copied in runs; only directories and links lie inside the inodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bootworthy.errors import IntegrityError, SpaceError
from bootworthy.filesystems.copying import Copy, append
from bootworthy.filesystems.erofs import chunks, directory, superblock, xattr
from bootworthy.filesystems.erofs.inode import SLOT, Inode, Layout, Place
from bootworthy.filesystems.erofs.superblock import Device
from bootworthy.filesystems.limits import Limits
from bootworthy.layers.node import BLOCK, Kind, Node, Tree

LIMITS = Limits(filesystem="erofs", largest_file=16 * 2**40)
_MOST_BLOCKS = 2**32 - 1
_LONG_INDEX = 64 * 1024
"""Bytes of a file's chunks beyond which its data is copied, with some zeros, rather than pointed to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to make a volume."""

    uuid: UUID
    label: str = ""
    """At most 15 bytes."""
    time: int = 0
    """When it was made, in seconds since 1970."""
    layered: bool = False
    """Whether file data stays in the bodies, which become devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where everything goes."""

    options: Options
    inodes: tuple[Inode, ...]
    """In the order of their nids, the root first."""
    copies: tuple[Copy, ...]
    metadata: int
    """The block where inodes begin."""
    contents: int
    """The block where directories and long links begin."""
    blocks: int
    """Of the volume."""
    bodies: tuple[int, ...]
    """Bodies that are devices, in the order of the table."""
    devices: tuple[Device, ...]
    left_out: tuple[str, ...]
    """Attributes that erofs cannot keep, as `path: name`."""

    @property
    def size(self) -> int:
        """Bytes of the volume."""
        return self.blocks * BLOCK

    @property
    def data(self) -> int:
        """Bytes that are copied from bodies."""
        return sum(each.length for each in self.copies)

    def superblock(self) -> bytes:
        """The first blocks."""
        return superblock.Superblock(
            uuid=self.options.uuid, label=self.options.label, time=self.options.time, root=self.inodes[0].nid,
            inodes=len(self.inodes), blocks=self.blocks, metadata=self.metadata, devices=self.devices,
            chunked=any(each.layout == Layout.CHUNKED for each in self.inodes),
        ).pack()  # fmt: skip


def plan(tree: Tree, options: Options, sizes: Sequence[int]) -> Plan:
    """Where everything of a tree goes; `sizes` are those of its bodies, in bytes.

    Raises:
        RefusedError: the tree has something that erofs cannot hold; the error names the path.
        SpaceError: `erofs.too-large`.
        IntegrityError: `volume.body`, when a body that becomes a device is shorter than the tree says.
    """
    LIMITS.check(tree)
    inodes, left_out = _inventory(tree)
    bodies = _used(inodes) if options.layered else ()
    first = superblock.head(len(bodies))
    placer = _Placer(first, {body: number for number, body in enumerate(bodies, start=1)})
    placer.place(inodes)
    _check_bodies(tree, inodes, bodies, sizes)
    end = _arrange(inodes)
    contents = placer.end + -(-end // BLOCK)
    blocks = contents
    for inode in inodes:
        if inode.node.kind in {Kind.DIRECTORY, Kind.SYMLINK} and inode.blocks:
            inode.start = blocks
            blocks += inode.blocks
    devices, total = _devices(tree, bodies, sizes, blocks)
    if total > _MOST_BLOCKS:
        raise SpaceError("erofs.too-large", f"it takes {total * BLOCK} bytes, and erofs has room for 16 TiB",
                         hint="leave files out")  # fmt: skip
    return Plan(
        options=options, inodes=tuple(inodes), copies=tuple(placer.copies), metadata=placer.end, contents=contents,
        blocks=blocks, bodies=bodies, devices=devices, left_out=tuple(left_out),
    )  # fmt: skip


def _inventory(tree: Tree) -> tuple[list[Inode], list[str]]:
    """An inode for each node, with all but its place."""
    known: dict[Node, Inode] = {}
    inodes: list[Inode] = []
    left_out: list[str] = []
    for path, node in tree.walk():
        if node in known:
            known[node].links += 1
            continue
        inode = Inode(len(inodes) + 1, node)
        if node.xattrs:
            inode.xattrs = xattr.pack(node.xattrs, path, LIMITS)
            left_out += xattr.left_out(node.xattrs, path)
        if node.kind is Kind.FILE:
            inode.size = node.size
        elif node.kind is Kind.SYMLINK:
            inode.size = len(node.target)
        known[node] = inode
        inodes.append(inode)
    inodes[0].parent = inodes[0]
    for inode in inodes:
        if inode.node.kind is Kind.DIRECTORY:
            inode.size = directory.measure(names(inode.node))
            inode.links = 2
            for child in inode.node.children.values():
                known[child].parent = inode
                inode.links += child.kind is Kind.DIRECTORY
    return inodes, left_out


def names(node: Node) -> list[bytes]:
    """The names of a directory in the order that it keeps them in."""
    return sorted([*node.children, b".", b".."])


def _used(inodes: Sequence[Inode]) -> tuple[int, ...]:
    """The bodies that files have data in."""
    return tuple(sorted({chunk.body for inode in inodes for chunk in inode.node.chunks}))


class _Placer:
    """Gives blocks to file data, or finds the device where it is already."""

    def __init__(self, first: int, devices: dict[int, int]) -> None:
        self._devices = devices
        self.end = first
        self.copies: list[Copy] = []

    def place(self, inodes: Sequence[Inode]) -> None:
        """Place the content of all regular files, in the order of the bodies."""
        files = [inode for inode in inodes if inode.node.kind is Kind.FILE and inode.size]
        for inode in files:
            if not inode.node.chunks:
                inode.layout, inode.bits = Layout.CHUNKED, chunks.widest(inode.size)
        filled = [inode for inode in files if inode.node.chunks]
        for inode in sorted(filled, key=lambda each: (*each.node.chunks[0][2:], each.number)):
            if self._devices and self._point(inode):
                continue
            if chunks.holes(inode.node):
                self._sparse(inode)
            else:
                inode.start = self._take(inode.blocks)
                for offset, length, body, position in inode.node.chunks:
                    self._copy(body, position, inode.start * BLOCK + offset, length)

    def _point(self, inode: Inode) -> bool:
        """Point to the devices; not where that takes too many chunks."""
        bits = chunks.exact(inode.node)
        if 8 * (inode.size // (BLOCK << bits)) > _LONG_INDEX and chunks.holes(inode.node):
            return False
        inode.layout, inode.bits, inode.indexed = Layout.CHUNKED, bits, True
        width = BLOCK << bits
        inode.places = [
            Place((offset + step) // width, self._devices[body], (position + step) // BLOCK)
            for offset, length, body, position in inode.node.chunks
            for step in range(0, length, width)
        ]
        return True

    def _sparse(self, inode: Inode) -> None:
        """Place the chunks that have data, with the zeros that complete them."""
        inode.layout, inode.bits, inode.indexed = Layout.CHUNKED, chunks.cheapest(inode.node), bool(self._devices)
        width = 1 << inode.bits
        every = -(-inode.size // BLOCK)
        starts: dict[int, int] = {}
        for number in chunks.touched(inode.node, inode.bits):
            starts[number] = self._take(min(width, every - number * width))
            inode.places.append(Place(number, 0, starts[number]))
        for offset, length, body, position in inode.node.chunks:
            done = 0
            while done < length:
                number, inside = divmod(offset + done, width * BLOCK)
                piece = min(length - done, width * BLOCK - inside)
                self._copy(body, position + done, starts[number] * BLOCK + inside, piece)
                done += piece

    def _take(self, count: int) -> int:
        self.end += count
        return self.end - count

    def _copy(self, body: int, position: int, target: int, length: int) -> None:
        append(self.copies, Copy(body, position, target, length + -length % BLOCK))


def _check_bodies(tree: Tree, inodes: Sequence[Inode], bodies: Sequence[int], sizes: Sequence[int]) -> None:
    ends = dict.fromkeys(bodies, 0)
    for inode in inodes:
        for chunk in inode.node.chunks:
            if chunk.body in ends:
                ends[chunk.body] = max(ends[chunk.body], chunk.position + chunk.length)
    for body, end in ends.items():
        if sizes[body] < end:
            raise IntegrityError(
                "volume.body", "it is shorter than its index says", where=str(tree.bodies[body]),
                hint="remove it and convert again",
            )  # fmt: skip


def _arrange(inodes: Sequence[Inode]) -> int:
    """Give every inode its place, in bytes from the first; a tail does not cross into another block."""
    at = 0
    for inode in inodes:
        if inode.node.kind in {Kind.DIRECTORY, Kind.SYMLINK} and inode.size % BLOCK:
            inode.layout = Layout.INLINE
            if _crosses(at, inode):
                ahead = at + -at % BLOCK
                if _crosses(ahead, inode):
                    inode.layout = Layout.PLAIN
                else:
                    at = ahead
        inode.nid = at // SLOT
        at += inode.head + inode.tail
        at += -at % SLOT
    return at


def _crosses(at: int, inode: Inode) -> bool:
    return (at + inode.head) % BLOCK + inode.tail > BLOCK


def _devices(tree: Tree, bodies: Sequence[int], sizes: Sequence[int], blocks: int) -> tuple[tuple[Device, ...], int]:
    """The table of devices, and the blocks of all together."""
    devices = []
    for body in bodies:
        count = -(-sizes[body] // BLOCK)
        devices.append(Device(tree.bodies[body].name.partition(".")[0], count, blocks))
        blocks += count
    return tuple(devices), blocks
