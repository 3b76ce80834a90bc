"""Write a planned volume: file data by in-kernel copies, metadata in bulk, the superblock last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from bootworthy.filesystems.copying import blank, copy, write_at
from bootworthy.filesystems.erofs import directory
from bootworthy.filesystems.erofs.directory import Entry
from bootworthy.filesystems.erofs.inode import SLOT, Inode
from bootworthy.filesystems.erofs.plan import Plan, names
from bootworthy.host.progress import QUIET, Progress
from bootworthy.layers.node import BLOCK, Kind, Node, Tree

_BUFFER = 2**20


def write(tree: Tree, plan: Plan, file: BinaryIO, progress: Progress = QUIET) -> None:
    """Write the volume that is planned for a tree into an open file, which loses what it held.

    Raises:
        IntegrityError: `volume.body`, when a body is shorter than the tree says.
        OSError: as the operating system says; `host.files.writing` makes it an error for people.
    """
    file.flush()
    target = file.fileno()
    blank(target, plan.size)
    for line in plan.left_out:
        progress.note(f"left out an extended attribute that erofs cannot keep: {line}")
    with progress.task(f"writing erofs, {plan.size >> 20} MiB", plan.data) as task:
        copy(tree, plan.copies, target, task)
    whole: list[bytes] = []
    place = plan.metadata * BLOCK
    for piece in _gathered(_inodes(plan, whole)):
        write_at(target, piece, place)
        place += len(piece)
    place = plan.contents * BLOCK
    for piece in _gathered(iter(whole)):
        write_at(target, piece, place)
        place += len(piece)
    write_at(target, plan.superblock(), 0)


def _inodes(plan: Plan, whole: list[bytes]) -> Iterator[bytes]:
    """Inodes with what is between them; whole blocks of content are added to `whole`."""
    known = {inode.node: inode for inode in plan.inodes}
    at = 0
    for inode in plan.inodes:
        yield bytes(inode.nid * SLOT - at)
        yield inode.pack()
        at = inode.nid * SLOT + inode.head
        content = _content(inode, known)
        cut = len(content) - inode.tail
        if cut:
            whole.append(content[:cut] + bytes(-cut % BLOCK))
        if inode.tail:
            yield content[cut:]
            at += inode.tail


def _content(inode: Inode, known: dict[Node, Inode]) -> bytes:
    """Of a directory or a link; of a file it is not here."""
    node = inode.node
    if node.kind is Kind.SYMLINK:
        return node.target
    if node.kind is not Kind.DIRECTORY:
        return b""
    assert inode.parent is not None
    own = {b".": inode, b"..": inode.parent}
    entries = []
    for name in names(node):
        child = own[name] if name in own else known[node.children[name]]
        entries.append(Entry(name, child.nid, child.node.kind))
    return directory.pack(entries)


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces joined to about `_BUFFER` bytes."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= _BUFFER:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
