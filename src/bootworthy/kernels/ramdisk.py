"""An initial RAM disk, read: archives one behind the other, plain or compressed, each unpacked over what is there.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of Linux; what is done with a name that is there
already, or has no folder, is as in init/initramfs.c. Tools put microcode first, in an archive of its own that is never
compressed (Documentation/arch/x86/microcode.rst).
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass

from bootworthy.filesystems.cpio.newc import LONGEST_PATH
from bootworthy.filesystems.cpio.read import MAGICS, MEMBERS, Member, read
from bootworthy.filesystems.cpio.read import unreadable as _bad_archive
from bootworthy.kernels.compression import Compression, decompress, unreadable
from bootworthy.layers.node import Chunk, Kind, Node, Tree

LIMIT = 1 << 30
"""Bytes, unpacked; more than guests of ours have memory for."""
_KINDS = {kind.value: kind for kind in Kind}
_OLD = (b"070707", b"\xc7\x71", b"\x71\xc7")
_PARTS = 64
"""Compressed parts; tools make one or two."""
_SOMETHING = re.compile(rb"[^\0]")


@dataclass(frozen=True, slots=True, eq=False)
class Unpacked:
    """What a kernel finds in its first root filesystem."""

    tree: Tree
    """Its chunks name a place in `bodies`, not in files; they are not on block boundaries."""
    bodies: tuple[bytes, ...]
    """The data as it came, then the content of each compressed part."""
    compressions: tuple[Compression, ...]
    """What the kernel must know to unpack it."""

    def span(self, node: Node, start: int, size: int) -> bytes:
        """At most `size` bytes of a regular file from offset `start`; what lies behind its end is left out."""
        if node.kind is not Kind.FILE or not node.chunks:
            return b""
        (chunk,) = node.chunks
        end = min(start + size, node.size)
        return self.bodies[chunk.body][chunk.position + start : chunk.position + end]


def unpack(data: bytes, *, limit: int = LIMIT) -> Unpacked:
    """Everything that an initial RAM disk holds.

    Raises:
        BuildError: `kernel.unreadable` when it is none, or a compressed part is damaged; `kernel.lzo`;
            `cpio.unreadable` for a damaged archive; all when it unpacks to more than `limit` bytes.
    """
    root = _Root()
    bodies = [data]
    compressions: list[Compression] = []
    at = 0
    while (at := _next(data, at)) < len(data):
        if data.startswith(MAGICS, at) and at % 4 == 0:
            at = root.archive(data, at, 0)
            continue
        compression = Compression.of(data[at : at + 16])
        if compression is None:
            raise unreadable(_foreign(data, at), None)
        if len(compressions) == _PARTS:
            raise unreadable(f"has more than {_PARTS} compressed parts", None)
        left = limit - sum(len(body) for body in bodies[1:])
        content, rest = decompress(data[at:], limit=left)
        compressions.append(compression)
        bodies.append(content)
        root.archives(content, len(bodies) - 1)
        at = len(data) - len(rest)
    return Unpacked(root.tree, tuple(bodies), tuple(compressions))


def _next(data: bytes, at: int) -> int:
    """The next byte that is not zero; archives may be padded."""
    found = _SOMETHING.search(data, at)
    return len(data) if found is None else found.start()


def _foreign(data: bytes, at: int) -> str:
    start = data[at : at + 8]
    if start.startswith(_OLD):
        return "is a cpio archive of a kind that no kernel reads; it must be made with `cpio -H newc`"
    if start.startswith(MAGICS):
        return f"its archive at byte {at} does not begin on a multiple of 4"
    what = "is no initial RAM disk" if at == 0 else f"holds something else from byte {at}"
    return f"{what}: {start.hex(' ')} begins neither a cpio archive nor anything compressed"


class _Root:
    """The filesystem that archives are unpacked into; a kernel is built with two folders and a console in it."""

    def __init__(self) -> None:
        console = Node(Kind.CHARACTER, 0o600, device=(5, 1))
        self.tree = Tree(Node(Kind.DIRECTORY, 0o755))
        self.tree.root.children = {
            b"dev": Node(Kind.DIRECTORY, 0o755, children={b"console": console}), b"root": Node(Kind.DIRECTORY, 0o700),
        }  # fmt: skip
        self._left = MEMBERS

    def archives(self, content: bytes, body: int) -> None:
        """Unpack what was compressed: one archive behind the other."""
        at = 0
        while (at := _next(content, at)) < len(content):
            if at % 4:
                raise _bad_archive("an archive begins on no multiple of 4", at)
            at = self.archive(content, at, body)

    def archive(self, data: bytes, start: int, body: int) -> int:
        """Unpack one archive; the first byte behind it."""
        members, end = read(data, start)
        self._left -= len(members) + 1
        if self._left < 0:
            raise _bad_archive(f"the archives have more than {MEMBERS} names", start)
        linked: dict[tuple[object, ...], Node] = {}
        for member in members:
            self._unpack(member, data, body, linked)
        return end

    def _unpack(self, member: Member, data: bytes, body: int, linked: dict[tuple[object, ...], Node]) -> None:
        names = [name for name in member.path.split(b"/") if name not in {b"", b"."}]
        if b".." in names:
            raise _bad_archive("a path has `..` in it", member.start)
        kind = _KINDS.get(stat.S_IFMT(member.mode))
        if not names or kind is None:
            return
        # A name whose folder is not there is passed over, and the boot goes on without it.
        parent = self.tree.find(b"/".join(names[:-1]))
        if parent is None or parent.kind is not Kind.DIRECTORY:
            return
        if kind is Kind.FILE:
            _file(parent, names[-1], member, body, linked)
            return
        there = parent.children.get(names[-1])
        if there is not None and there.kind is Kind.DIRECTORY:
            if kind is Kind.DIRECTORY:
                there.mode = stat.S_IMODE(member.mode)
                return
            if there.children:
                return
        target = data[member.start : member.start + member.size] if kind is Kind.SYMLINK else b""
        if len(target) <= LONGEST_PATH:
            node = Node(kind, stat.S_IMODE(member.mode), member.uid, member.gid, target=target, device=member.device)
            parent.children[names[-1]] = node


def _file(parent: Node, name: bytes, member: Member, body: int, linked: dict[tuple[object, ...], Node]) -> None:
    """A regular file; of one with several names, each may bring the content."""
    key = (member.source, member.number, member.mode)
    there = parent.children.get(name)
    if there is not None and there.kind is Kind.DIRECTORY and there.children:
        return
    node = linked.get(key) if member.links > 1 else None
    if node is None:
        # What is there is written over, under each of its names.
        node = there if there is not None and there.kind is Kind.FILE else Node(Kind.FILE, 0)
        node.mode, node.uid, node.gid = stat.S_IMODE(member.mode), member.uid, member.gid
        node.size, node.chunks = 0, ()
    if member.links > 1:
        linked[key] = node
    parent.children[name] = node
    if member.size:
        node.size, node.chunks = member.size, (Chunk(0, member.size, body, member.start),)
