"""What a tree becomes: numbered inodes, directory blocks, attributes; everything but where it lies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter

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
_NO_NAMES = frozenset({b"", b".", b".."})
_SPECIAL = {Kind.CHARACTER, Kind.BLOCK}
_MODES = {kind: kind.value for kind in Kind}


Run = tuple[int, int, int, int, bool, Inode]
"""Blocks of a file that lie together in a body: the first one there, how many, the number of the file's inode, the
first one in the file, whether the file has no other run, the inode. Sorted, they are in the order of the body."""


@dataclass(slots=True)
class Inventory:
    """All that goes into a volume. Inodes stand in the order of their numbers, without the journal's."""

    inodes: list[Inode] = field(default_factory=list)
    runs: defaultdict[int, list[Run]] = field(default_factory=lambda: defaultdict(list))
    """What regular files have in each body."""
    file_blocks: int = 0
    """Blocks that regular files take at most, extent trees included."""
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
        total = len(self.attributes) + self.file_blocks
        for _, content in self.contents:
            count = len(content) // BLOCK
            total += count
            if count > extents.ROOT:
                total += extents.nodes(extents.most(1, count))
        return total


class _Directory:
    """A directory that is walked."""

    __slots__ = ("below", "children", "entries", "inode", "left", "name", "parent")

    def __init__(self, name: bytes, taken: Inode, parent: int, children: Mapping[bytes, Node]) -> None:
        self.name = name
        self.inode = taken
        self.parent = parent
        self.children = children
        self.left = iter(sorted(children))
        self.entries: list[directory.Entry] = []
        self.below = 0
        """Directories in it."""


class _Taker:
    """Walks a tree once, parents first and names in byte order, and numbers what it meets."""

    def __init__(self, options: Options) -> None:
        self.inventory = Inventory()
        self._options = options
        self._known: dict[Node, Inode] = {}
        self._directories: list[_Directory] = []
        self._trail: list[_Directory] = []
        self._next = inode.FIRST + 1
        self._inodes = self.inventory.inodes
        self._runs = self.inventory.runs
        self._file_blocks = 0

    def take(self, tree: Tree, sums: Checksums | None) -> Inventory:
        root = tree.root
        saved = self._lost_and_found(root)
        self._enter(b"", self._new(b"", root, inode.ROOT), {**root.children, _LOST_AND_FOUND: saved})
        while self._trail:
            self._walk(self._trail[-1], saved)
        if _LOST_AND_FOUND not in root.children:
            self._directories.sort(key=lambda each: each.inode.number != inode.LOST_AND_FOUND)
        self._write_directories(sums)
        self.inventory.file_blocks = self._file_blocks
        self.inventory.inodes.sort(key=attrgetter("number"))
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

    def _path(self, name: bytes) -> bytes:
        """Of what is met now; only refusals and attributes need it."""
        return b"/".join([*(each.name for each in self._trail[1:]), name])

    def _enter(self, name: bytes, taken: Inode, children: Mapping[bytes, Node]) -> None:
        parent = self._trail[-1].inode.number if self._trail else inode.ROOT
        folder = _Directory(name, taken, parent, children)
        self._directories.append(folder)
        self._trail.append(folder)
        self._check_names(children)

    def _walk(self, folder: _Directory, saved: Node) -> None:
        """Go on in a directory, up to the next one below it, or to its end."""
        children, entries, known = folder.children, folder.entries, self._known
        types = directory.TYPES
        for name in folder.left:
            node = children[name]
            kind = node.kind
            taken = known.get(node)
            if taken is not None:
                self._again(name, kind, taken)
            elif kind is Kind.DIRECTORY and node is saved:
                taken = self._new(name, node, inode.LOST_AND_FOUND)
            else:
                taken = self._new(name, node, self._next)
                self._next += 1
            entries.append((name, taken.number, types[kind]))
            if kind is Kind.DIRECTORY:
                folder.below += 1
                self._enter(name, taken, node.children)
                return
        self._trail.pop()

    def _again(self, name: bytes, kind: Kind, known: Inode) -> None:
        """One more name of what is there."""
        if kind is Kind.DIRECTORY:
            raise _refused("linked-directory", self._path(name), "a directory cannot have two names", "copy it instead")
        if known.links == inode.MOST_LINKS:
            raise _refused(
                "links", self._path(name), f"more than {inode.MOST_LINKS} hard links", "make some of them copies"
            )
        known.links += 1

    def _new(self, name: bytes, node: Node, number: int) -> Inode:
        """The inode of a node that was not met before."""
        kind, uid, gid = node.kind, node.uid, node.gid
        if not (0 <= uid < _IDS and 0 <= gid < _IDS):
            raise _refused("owner", self._path(name), f"owner {uid}:{gid} is out of range", "ids are below 4294967295")
        taken = self._known[node] = Inode(number, _MODES[kind] | node.mode & 0o7777, uid, gid, node.mtime)
        self._inodes.append(taken)
        if node.xattrs:
            self._attributes(name, node, taken)
        if kind is Kind.FILE:
            self._file(name, node, taken)
        elif kind is Kind.DIRECTORY:
            taken.flags = inode.EXTENTS
        elif kind is Kind.SYMLINK:
            self._symlink(name, node.target, taken)
        elif kind in _SPECIAL:
            if not (0 <= node.device[0] < 2**12 and 0 <= node.device[1] < 2**20):
                raise _refused(
                    "device", self._path(name), f"device {node.device[0]}:{node.device[1]} is out of range",
                    "Linux has majors below 4096 and minors below 1048576",
                )  # fmt: skip
            taken.content = inode.device(*node.device)
        else:
            taken.content = bytes(60)
        return taken

    def _file(self, name: bytes, node: Node, taken: Inode) -> None:
        size, chunks, number = node.size, node.chunks, taken.number
        taken.flags = inode.EXTENTS
        taken.size = size
        if not 0 <= size <= _LARGEST_FILE:
            raise _refused(
                "file-too-large", self._path(name), f"a file of {size} bytes", "ext4 holds files below 16 TiB"
            )
        whole = len(chunks) == 1
        end = total = 0
        for offset, length, body, position in chunks:
            if offset < end or (offset | position) % BLOCK or length <= 0:
                raise self._bad_chunks(name, "its pieces overlap or are not aligned")
            end = offset + length
            blocks = -(-length // BLOCK)
            total += blocks
            self._runs[body].append((position // BLOCK, blocks, number, offset // BLOCK, whole, taken))
        if end > size:
            raise self._bad_chunks(name, "it has more content than its size says")
        taken.blocks += total
        if total > extents.ROOT and (total >= extents.LONGEST or not whole):
            total += extents.nodes(extents.most(len(chunks), total))
        self._file_blocks += total

    def _symlink(self, name: bytes, target: bytes, taken: Inode) -> None:
        if not 0 < len(target) <= _LONGEST_TARGET or b"\0" in target:
            raise _refused(
                "target", self._path(name), "ext4 cannot hold this symbolic link's target",
                "targets are 1 to 4095 bytes",
            )  # fmt: skip
        taken.size = len(target)
        if taken.size <= _FAST_TARGET:
            taken.content = target.ljust(60, b"\0")
        else:
            taken.flags = inode.EXTENTS
            self.inventory.contents.append((taken, target.ljust(BLOCK, b"\0")))

    def _attributes(self, name: bytes, node: Node, taken: Inode) -> None:
        where = _shown(self._path(name))
        self.inventory.left_out += [
            f"{where}: {name.decode(errors='backslashreplace')}" for name, _ in node.xattrs if not xattr.supported(name)
        ]
        packed = xattr.pack(node.xattrs, where)
        taken.inline = packed.inline
        if packed.block:
            self.inventory.attributes.append((taken, packed.block))

    def _check_names(self, names: Mapping[bytes, Node]) -> None:
        """Hold all names of a directory to what ext4 can hold; only a bad one is looked for by itself."""
        if _NO_NAMES.isdisjoint(names) and max(map(len, names), default=0) <= 255 and b"\0" not in b"".join(names):
            return
        bad = next(name for name in sorted(names) if name in _NO_NAMES or len(name) > 255 or b"\0" in name)
        raise _refused(
            "name", self._path(bad), "ext4 cannot hold this name", "names are 1 to 255 bytes and not `.` or `..`"
        )

    def _bad_chunks(self, name: bytes, message: str) -> RefusedError:
        return _refused("chunks", self._path(name), message, "unpack the layer again")

    def _write_directories(self, sums: Checksums | None) -> None:
        writer = directory.Writer(sums, state(self._options.hash_seed))
        for folder in self._directories:
            taken = folder.inode
            least = directory.LOST_AND_FOUND if taken.number == inode.LOST_AND_FOUND else 1
            content, indexed = writer.pack(taken.number, folder.parent, folder.entries, blocks=least)
            taken.size = len(content)
            taken.links = 2 + folder.below if 2 + folder.below <= inode.MOST_LINKS else 1
            taken.flags |= inode.INDEX if indexed else 0
            self.inventory.contents.append((taken, content))


def take(tree: Tree, options: Options, sums: Checksums | None) -> Inventory:
    """Everything a tree becomes, counted exactly.

    Raises:
        RefusedError: the tree has something that ext4 cannot hold; the error names the path.
    """
    return _Taker(options).take(tree, sums)


def _shown(path: bytes) -> str:
    return "/" + path.decode(errors="backslashreplace")


def _refused(code: str, path: bytes, message: str, hint: str) -> RefusedError:
    return RefusedError(f"ext4.{code}", message, where=_shown(path), hint=hint)
