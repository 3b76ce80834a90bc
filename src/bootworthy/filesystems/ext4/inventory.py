"""What a tree becomes: numbered inodes, directory blocks, attributes; everything but where it lies."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from bootworthy.errors import RefusedError
from bootworthy.filesystems.ext4 import directory, extents, inode, xattr
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.dirhash import state
from bootworthy.filesystems.ext4.inode import Inode
from bootworthy.filesystems.ext4.options import BLOCK, Options
from bootworthy.layers.node import Kind, Node, Tree

_LOST_AND_FOUND = b"lost+found"
_LONGEST_TARGET = 4095
_FAST_TARGET = 59
_LARGEST_FILE = (2**32 - 1) * BLOCK
_IDS = 2**32 - 1
"""The id of all ones means "no change" to Linux, so no file can have it."""
_DOTS = (b".", b"..")
_SPECIAL = {Kind.CHARACTER, Kind.BLOCK}


@dataclass(slots=True)
class Inventory:
    """All that goes into a volume. Inodes stand in the order of their numbers, without the journal's."""

    inodes: list[Inode] = field(default_factory=list)
    files: list[tuple[Inode, Node]] = field(default_factory=list)
    """Regular files with content."""
    contents: list[tuple[Inode, bytes]] = field(default_factory=list)
    """Blocks of directories and of long symbolic links."""
    attributes: list[tuple[Inode, bytes]] = field(default_factory=list)
    """Attribute blocks."""
    left_out: list[str] = field(default_factory=list)
    """Attributes that Linux cannot keep on ext4, as `path: name`."""

    @property
    def last_inode(self) -> int:
        """The highest number in use."""
        return self.inodes[-1].number

    def blocks(self) -> int:
        """Blocks that it all takes at most, the journal excluded."""
        total = len(self.attributes)
        for _, content in self.contents:
            count = len(content) // BLOCK
            total += count
            if count > extents.ROOT:
                total += extents.nodes(extents.most(1, count))
        for _, node in self.files:
            count = sum([-(-chunk.length // BLOCK) for chunk in node.chunks])
            total += count
            if count > extents.ROOT:
                total += extents.nodes(extents.most(len(node.chunks), count))
        return total


class _Taker:
    """Walks a tree once and numbers what it meets."""

    def __init__(self, options: Options) -> None:
        self.inventory = Inventory()
        self._options = options
        self._known: dict[Node, Inode] = {}
        self._directories: list[tuple[Inode, Node]] = []
        self._next = inode.FIRST + 1

    def take(self, tree: Tree, sums: Checksums | None) -> Inventory:
        saved = self._lost_and_found(tree.root)
        for path, node in _walk(tree, saved):
            known = self._known.get(node)
            if known is None:
                self._add(path, node, saved)
            elif node.kind is Kind.DIRECTORY:
                raise _refused("linked-directory", path, "a directory cannot have two names", "copy it instead")
            elif known.links == inode.MOST_LINKS:
                raise _refused("links", path, f"more than {inode.MOST_LINKS} hard links", "make some of them copies")
            else:
                known.links += 1
        self._write_directories(saved, sums)
        self.inventory.inodes.sort(key=lambda each: each.number)
        return self.inventory

    def _lost_and_found(self, root: Node) -> Node:
        if root.kind is not Kind.DIRECTORY:
            raise _refused("root", b"", "the root of a tree is no directory", "give a tree of files")
        found = root.children.get(_LOST_AND_FOUND)
        if found is None:
            return Node(Kind.DIRECTORY, 0o700, mtime=self._options.time * 1_000_000_000)
        if found.kind is not Kind.DIRECTORY:
            raise _refused("lost+found", _LOST_AND_FOUND, "ext4 needs this name for a directory", "rename the file")
        return found

    def _number(self, path: bytes, node: Node, saved: Node) -> int:
        if not path:
            return inode.ROOT
        if node is saved:
            return inode.LOST_AND_FOUND
        self._next += 1
        return self._next - 1

    def _add(self, path: bytes, node: Node, saved: Node) -> None:
        _check(path, node)
        kind = node.kind
        taken = Inode(
            self._number(path, node, saved), kind.value | stat.S_IMODE(node.mode), node.uid, node.gid, node.mtime,
        )  # fmt: skip
        self._known[node] = taken
        self.inventory.inodes.append(taken)
        if node.xattrs:
            self._attributes(path, node, taken)
        if kind is Kind.FILE:
            taken.flags = inode.EXTENTS
            taken.size = node.size
            if node.chunks:
                _check_chunks(path, node)
                self.inventory.files.append((taken, node))
        elif kind is Kind.DIRECTORY:
            taken.flags = inode.EXTENTS
            self._directories.append((taken, node))
        elif kind is Kind.SYMLINK:
            taken.size = len(node.target)
            if taken.size <= _FAST_TARGET:
                taken.content = node.target.ljust(60, b"\0")
            else:
                taken.flags = inode.EXTENTS
                self.inventory.contents.append((taken, node.target.ljust(BLOCK, b"\0")))
        else:
            taken.content = inode.device(*node.device) if kind in _SPECIAL else bytes(60)

    def _attributes(self, path: bytes, node: Node, taken: Inode) -> None:
        where = _shown(path)
        self.inventory.left_out += [
            f"{where}: {name.decode(errors='backslashreplace')}" for name, _ in node.xattrs if not xattr.supported(name)
        ]
        packed = xattr.pack(node.xattrs, where)
        taken.inline = packed.inline
        if packed.block:
            self.inventory.attributes.append((taken, packed.block))

    def _write_directories(self, saved: Node, sums: Checksums | None) -> None:
        writer = directory.Writer(sums, state(self._options.hash_seed))
        parents = {inode.ROOT: inode.ROOT, inode.LOST_AND_FOUND: inode.ROOT}
        known = self._known
        for taken, node in self._directories:
            children = _children(node, saved) if taken.number == inode.ROOT else node.children
            entries = []
            below = 0
            for name in sorted(children):
                child = children[name]
                number = known[child].number
                entries.append(directory.Entry.of(name, number, child.kind))
                if child.kind is Kind.DIRECTORY:
                    below += 1
                    parents[number] = taken.number
            least = directory.LOST_AND_FOUND if node is saved else 1
            content, indexed = writer.pack(taken.number, parents[taken.number], entries, blocks=least)
            taken.size = len(content)
            taken.links = 2 + below if 2 + below <= inode.MOST_LINKS else 1
            taken.flags |= inode.INDEX if indexed else 0
            self.inventory.contents.append((taken, content))


def take(tree: Tree, options: Options, sums: Checksums | None) -> Inventory:
    """Everything a tree becomes, counted exactly.

    Raises:
        RefusedError: the tree has something that ext4 cannot hold; the error names the path.
    """
    return _Taker(options).take(tree, sums)


def _children(root: Node, saved: Node) -> dict[bytes, Node]:
    return {**root.children, _LOST_AND_FOUND: saved}


def _walk(tree: Tree, saved: Node) -> Iterator[tuple[bytes, Node]]:
    if _LOST_AND_FOUND not in tree.root.children:
        yield _LOST_AND_FOUND, saved
    yield from tree.walk()


def _check(path: bytes, node: Node) -> None:
    name = path[path.rfind(b"/") + 1 :]
    if path and (not 0 < len(name) <= 255 or name in _DOTS or b"\0" in name):
        raise _refused("name", path, "ext4 cannot hold this name", "names are 1 to 255 bytes and not `.` or `..`")
    if not (0 <= node.uid < _IDS and 0 <= node.gid < _IDS):
        raise _refused("owner", path, f"owner {node.uid}:{node.gid} is out of range", "ids are below 4294967295")
    if node.kind is Kind.FILE and not 0 <= node.size <= _LARGEST_FILE:
        raise _refused("file-too-large", path, f"a file of {node.size} bytes", "ext4 holds files below 16 TiB")
    if node.kind is Kind.SYMLINK and (not 0 < len(node.target) <= _LONGEST_TARGET or b"\0" in node.target):
        raise _refused("target", path, "ext4 cannot hold this symbolic link's target", "targets are 1 to 4095 bytes")
    if node.kind in _SPECIAL and not (0 <= node.device[0] < 2**12 and 0 <= node.device[1] < 2**20):
        raise _refused("device", path, f"device {node.device[0]}:{node.device[1]} is out of range",
                       "Linux has majors below 4096 and minors below 1048576")  # fmt: skip


def _check_chunks(path: bytes, node: Node) -> None:
    end = 0
    for offset, length, _, position in node.chunks:
        if offset < end or offset % BLOCK or position % BLOCK or length <= 0:
            raise _refused("chunks", path, "its pieces overlap or are not aligned", "unpack the layer again")
        end = offset + length
    if end > node.size:
        raise _refused("chunks", path, "it has more content than its size says", "unpack the layer again")


def _shown(path: bytes) -> str:
    return "/" + path.decode(errors="backslashreplace")


def _refused(code: str, path: bytes, message: str, hint: str) -> RefusedError:
    return RefusedError(f"ext4.{code}", message, where=_shown(path), hint=hint)
