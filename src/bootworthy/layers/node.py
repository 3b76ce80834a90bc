"""The merged tree of an image: what a filesystem is written from.

A hard link is one `Node` that several names hold: link groups are identity.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from bootworthy.errors import IntegrityError

BLOCK = 4096
"""Bodies keep file data on multiples of this, and so do the filesystems that are made from them."""
_MOST_READ = 2 << 30


class Kind(Enum):
    """What a node is; the value is its `st_mode` type."""

    FILE = stat.S_IFREG
    DIRECTORY = stat.S_IFDIR
    SYMLINK = stat.S_IFLNK
    CHARACTER = stat.S_IFCHR
    BLOCK = stat.S_IFBLK
    FIFO = stat.S_IFIFO
    SOCKET = stat.S_IFSOCK

    __hash__ = object.__hash__  # members are singletons, and are looked up for each file


class Chunk(NamedTuple):
    """A run of a file's bytes that lies in a body; what no chunk covers is a hole.

    `offset` and `position` are multiples of `BLOCK`, and the body is zero from the end of the chunk to the next
    multiple, so whole blocks can be taken. Chunks of a file are ordered by offset and never overlap.
    """

    offset: int
    """Where in the file, in bytes."""
    length: int
    """In bytes; only the last chunk of a file may end off a block boundary."""
    body: int
    """Index into `Tree.bodies`."""
    position: int
    """Where in the body, in bytes."""


@dataclass(slots=True, eq=False)
class Node:
    """One inode. `mode` has the permission bits only (07777); times are nanoseconds since 1970."""

    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    """Full name (`user.x`, `security.capability`) and value as Linux has it, sorted by name."""
    size: int = 0
    """Bytes of a regular file, holes included."""
    chunks: tuple[Chunk, ...] = ()
    target: bytes = b""
    """Where a symbolic link points."""
    device: tuple[int, int] = (0, 0)
    """Major and minor of a device node."""
    children: dict[bytes, Node] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Tree:
    """A root directory, and the files that hold the bytes of its regular files."""

    root: Node
    bodies: tuple[Path, ...] = ()

    def walk(self) -> Iterator[tuple[bytes, Node]]:
        """Every name with its node, parents first, siblings in byte order; no slash in front, the root is empty."""
        stack: list[tuple[bytes, Node]] = [(b"", self.root)]
        while stack:
            path, node = stack.pop()
            yield path, node
            prefix = path + b"/" if path else b""
            stack.extend((prefix + name, node.children[name]) for name in sorted(node.children, reverse=True))

    def find(self, path: bytes, *, follow: bool = True) -> Node | None:
        """The node at an absolute or relative path, symbolic links resolved inside the tree; None when there is none.

        The last component is followed too unless `follow` is false. More than 40 links are a loop: None.
        """
        trail = [self.root]
        names = [name for name in reversed(path.split(b"/")) if name not in {b"", b"."}]
        links = 0
        while names:
            name = names.pop()
            if name == b"..":
                trail = trail[:-1] or [self.root]
                continue
            node = trail[-1].children.get(name)
            if node is None:
                return None
            if node.kind is Kind.SYMLINK and (names or follow):
                links += 1
                if links > 40:
                    return None
                if node.target.startswith(b"/"):
                    trail = [self.root]
                names.extend(part for part in reversed(node.target.split(b"/")) if part not in {b"", b"."})
                continue
            trail.append(node)
        return trail[-1]

    def read(self, node: Node) -> bytes:
        """The whole content of a regular file.

        Raises:
            IntegrityError: `image.file-too-large`: a hole costs an image nothing, and us memory.
        """
        if node.size > _MOST_READ:
            raise IntegrityError(
                "image.file-too-large", f"a file of {node.size} bytes is larger than any that has to be read whole",
                hint="look at the kernel, the initial RAM disk and the package lists of the image",
            )  # fmt: skip
        content = bytearray(node.size)
        for chunk in node.chunks:
            with self.bodies[chunk.body].open("rb") as body:
                body.seek(chunk.position)
                content[chunk.offset : chunk.offset + chunk.length] = body.read(chunk.length)
        return bytes(content)
