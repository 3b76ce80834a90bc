"""Trees to write filesystems from: built by hand, or drawn at random."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

from bootworthy.layers.node import BLOCK, Chunk, Kind, Node, Tree


@dataclass
class Body:
    """Collects the bytes of files, each piece on a block boundary, as a layer's body does."""

    content: bytearray = field(default_factory=bytearray)

    def file(self, data: bytes, mode: int = 0o644, **facts: object) -> Node:
        """A file without holes."""
        return self.sparse([(0, data)], len(data), mode, **facts)

    def sparse(self, pieces: list[tuple[int, bytes]], size: int, mode: int = 0o644, **facts: object) -> Node:
        """A file of pieces, each with its offset."""
        chunks = []
        for offset, data in pieces:
            if data:
                chunks.append(Chunk(offset, len(data), 0, len(self.content)))
                self.content += data + bytes(-len(data) % BLOCK)
        return Node(Kind.FILE, mode, size=size, chunks=tuple(chunks), **facts)  # type: ignore[arg-type]

    def tree(self, root: Node, path: Path) -> Tree:
        """The tree, with this body written to `path`."""
        path.write_bytes(self.content)
        return Tree(root, (path,))


def directory(children: dict[bytes, Node] | None = None, mode: int = 0o755, **facts: object) -> Node:
    """A directory."""
    return Node(Kind.DIRECTORY, mode, children=children or {}, **facts)  # type: ignore[arg-type]


def acl(*entries: tuple[int, int, int]) -> bytes:
    """The value of a POSIX ACL attribute, as system calls have it, from (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NO_ID = 0xFFFFFFFF
ACL = acl((1, 7, NO_ID), (2, 5, 1000), (2, 4, 3_000_000_000), (4, 5, NO_ID), (0x10, 5, NO_ID), (0x20, 0, NO_ID))
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)

names = st.binary(min_size=1, max_size=255).filter(
    lambda name: not set(name) & set(b"/\0\n") and name not in {b".", b"..", b"lost+found"}
)
short_names = st.sampled_from(
    [b"%s%d" % (word, number) for word in (b"a", b"file", b"\xff\xfe") for number in range(60)]
)
ids = st.sampled_from([0, 1, 1000, 65534, 65535, 65536, 2**31, 2**32 - 2])
modes = st.integers(0, 0o7777)
times = st.integers(-(2**31) * 10**9, (5 * 2**31) * 10**9 - 1)
xattrs = st.dictionaries(
    st.sampled_from([b"user.a", b"user.longer-name", b"security.capability", b"trusted.t", b"security.selinux"]),
    st.binary(max_size=500), max_size=5,
).map(lambda found: tuple(sorted(found.items())))  # fmt: skip
pieces = st.lists(st.tuples(st.integers(0, 5), st.binary(min_size=1, max_size=10000)), max_size=8)


@st.composite
def nodes(draw: st.DrawFn, body: Body, depth: int) -> Node:
    """Any node; directories with less and less below them."""
    kinds = [kind for kind in Kind if depth or kind is not Kind.DIRECTORY]
    kind = draw(st.sampled_from(kinds))
    facts = {"uid": draw(ids), "gid": draw(ids), "mtime": draw(times), "xattrs": draw(xattrs)}
    mode = draw(modes)
    if kind is Kind.FILE:
        placed, end = [], 0
        for gap, data in draw(pieces):
            offset = -(-end // BLOCK) * BLOCK + gap * BLOCK
            placed.append((offset, data))
            end = offset + len(data)
        return body.sparse(placed, end + draw(st.integers(0, 20000)), mode, **facts)
    if kind is Kind.DIRECTORY:
        return directory(draw(children(body, depth - 1)), mode, **facts)
    if kind is Kind.SYMLINK:
        target = draw(st.binary(min_size=1, max_size=4095).filter(lambda found: b"\0" not in found))
        return Node(kind, 0o777, target=target, **facts)  # type: ignore[arg-type]
    device = (0, 0)
    if kind in {Kind.CHARACTER, Kind.BLOCK}:
        device = (draw(st.integers(0, 2**12 - 1)), draw(st.integers(0, 2**20 - 1)))
    return Node(kind, mode, device=device, **facts)  # type: ignore[arg-type]


@st.composite
def children(draw: st.DrawFn, body: Body, depth: int) -> dict[bytes, Node]:
    """The content of a directory, some of it with second names."""
    found = draw(st.dictionaries(names | short_names, nodes(body, depth), max_size=12))
    linkable = [node for node in found.values() if node.kind is not Kind.DIRECTORY]
    if linkable:
        again = draw(st.dictionaries(short_names, st.sampled_from(linkable), max_size=3))
        found |= {name: node for name, node in again.items() if name not in found}
    return found


@st.composite
def roots(draw: st.DrawFn) -> tuple[Body, Node]:
    """A random root directory and the body of its files."""
    body = Body()
    return body, directory(draw(children(body, 2)), draw(modes), mtime=draw(times))
