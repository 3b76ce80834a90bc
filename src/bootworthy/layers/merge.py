"""Layers, lowest first, into one tree (OCI image-spec, layer.md, "Applying Changesets").

How the freedoms of that text are used:

- Whiteouts of a layer are applied before its entries, wherever they stand in it, to the tree of the layers below;
  so they never hide what their own layer brings.
- An entry whose parent is a symbolic link goes where the link points inside the tree, as container runtimes resolve
  it. A whiteout does too, unless its own layer puts a directory in the place of the link.
- Parents that no layer describes are made: 0755, owned by root, time 0.
- A hard link is one more name of a node that is there already, of this layer or of one below; what its own header
  says of mode or owner is not used, because an inode has one of each.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from bootworthy.errors import IntegrityError
from bootworthy.layers.bulk import bulk
from bootworthy.layers.entry import Entry
from bootworthy.layers.index import Index
from bootworthy.layers.node import Chunk, Kind, Node, Tree

_WHITEOUT = b".wh."
_META = b".wh..wh."
_OPAQUE = b".wh..wh..opq"
_LONGEST_NAME = 255
_LONGEST_TARGET = 4095
_MOST_LINKS = 40
_NO_NAMES = frozenset({b"", b".", b".."})


def merge(indexes: Iterable[Index], bodies: Sequence[Path]) -> Tree:
    """The tree that the layers make together; `bodies` are theirs, in the same order.

    Raises:
        IntegrityError: `layer.escape` (a path that is absolute or has `..` in it), `layer.name-too-long`,
            `layer.bad-link` (a hard link to nothing, or to a directory), `layer.bad-entry`.
    """
    root = Node(Kind.DIRECTORY, 0o755)
    with bulk():
        for number, index in enumerate(indexes):
            _Apply(root, number, index.layer.diff_id).all(index.entries)
    return Tree(root, tuple(bodies))


class _Apply:
    """One layer on its way into the tree."""

    def __init__(self, root: Node, number: int, where: str) -> None:
        self._root = root
        self._number = number
        self._where = where
        self._parents: dict[bytes, Node] = {}

    def all(self, entries: Sequence[Entry]) -> None:
        if any(_WHITEOUT in entry.path for entry in entries):
            entries = self._unmarked(entries)
        parents = self._parents
        for entry in entries:
            # Nearly every path is a directory's that is known, spelled the same way, and one more name.
            above, _, name = entry.path.rpartition(b"/")
            parent = parents.get(above)
            if parent is None or name in _NO_NAMES or len(name) > _LONGEST_NAME:
                names = self._names(entry.path)
                if not names:
                    self._describe_root(entry)
                    continue
                parent = self._parent(names[:-1])
                if above and name == names[-1]:  # nothing above the name is the root of absolute paths, too
                    parents[above] = parent
                name = names[-1]
            self._add(parent, name, entry)

    def _unmarked(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Apply the whiteouts; what is left of the entries."""
        additions: list[Entry] = []
        whiteouts: list[tuple[bytes, ...]] = []
        for entry in entries:
            if _WHITEOUT not in entry.path:
                additions.append(entry)
                continue
            names = self._names(entry.path)
            last = names[-1] if names else b""
            if last == _OPAQUE or (last.startswith(_WHITEOUT) and not last.startswith(_META)):
                whiteouts.append(names)
            elif not any(name.startswith(_META) for name in names):
                additions.append(entry)
        if whiteouts:
            directories = {self._names(entry.path) for entry in additions if entry.kind is Kind.DIRECTORY}
            for names in whiteouts:
                self._hide(names, directories)
        return additions

    def _names(self, path: bytes) -> tuple[bytes, ...]:
        """The components of a path, held to what a path in a layer may be."""
        if path.startswith(b"/"):
            raise self._bad("layer.escape", f"the path {_shown(path)} is absolute")
        names = tuple([name for name in path.split(b"/") if name and name != b"."])
        if len(path) <= _LONGEST_NAME and b".." not in path:
            return names
        for name in names:
            if name == b"..":
                raise self._bad("layer.escape", f"the path {_shown(path)} has `..` in it")
            if len(name) > _LONGEST_NAME:
                raise self._bad(
                    "layer.name-too-long", f"a name in {_shown(path)} has {len(name)} bytes, and Linux allows 255"
                )
        return names

    def _hide(self, names: tuple[bytes, ...], directories: set[tuple[bytes, ...]]) -> None:
        hidden = names[-1][len(_WHITEOUT) :]
        if hidden in {b"", b".", b".."}:
            raise self._bad("layer.bad-entry", f"{_shown(b'/'.join(names))} is a whiteout of no name")
        parent = self._directory(names[:-1], make=False, replaced=directories)
        if parent is None:
            return
        if names[-1] == _OPAQUE:
            parent.children.clear()
        else:
            parent.children.pop(hidden, None)

    def _describe_root(self, entry: Entry) -> None:
        if entry.kind is not Kind.DIRECTORY:
            raise self._bad("layer.bad-entry", "the root is no directory")
        _describe(self._root, entry)

    def _add(self, parent: Node, name: bytes, entry: Entry) -> None:
        children, kind = parent.children, entry.kind
        there = children.get(name)
        if there is not None:
            if kind is Kind.DIRECTORY and there.kind is Kind.DIRECTORY:
                _describe(there, entry)
                return
            if there.kind is Kind.DIRECTORY or there.kind is Kind.SYMLINK:
                self._parents.clear()
        children[name] = self._linked(entry) if kind is None else self._node(kind, entry)

    def _node(self, kind: Kind, entry: Entry) -> Node:
        if kind is Kind.SYMLINK and not 0 < len(entry.target) <= _LONGEST_TARGET:
            raise self._bad(
                "layer.bad-entry",
                f"the symbolic link {_shown(entry.path)} has a target of {len(entry.target)} bytes, "
                f"and Linux allows 1 to {_LONGEST_TARGET}",
            )
        chunks = entry.chunks
        if chunks and self._number:
            number = self._number
            chunks = tuple([Chunk(offset, length, number, position) for offset, length, _, position in chunks])
        return Node(
            kind, entry.mode, entry.uid, entry.gid, entry.mtime, entry.xattrs, entry.size, chunks, entry.target,
            entry.device,
        )  # fmt: skip

    def _linked(self, entry: Entry) -> Node:
        """The node that a hard link is one more name of."""
        names = self._names(entry.target)
        parent = self._directory(names[:-1], make=False) if names else None
        node = parent.children.get(names[-1]) if parent is not None else None
        if node is None or node.kind is Kind.DIRECTORY:
            what = "which is not there" if node is None and names else "which is a directory"
            raise self._bad(
                "layer.bad-link", f"{_shown(entry.path)} is a hard link to {_shown(entry.target)}, {what}"
            )  # fmt: skip
        return node

    def _parent(self, names: tuple[bytes, ...]) -> Node:
        if not names:
            return self._root
        key = b"/".join(names)
        node = self._parents.get(key)
        if node is None:
            node = self._directory(names, make=True)
            if node is None:
                raise self._bad("layer.bad-entry", f"something lies under {_shown(key)}, which is no directory")
            self._parents[key] = node
        return node

    def _directory(
        self, names: Sequence[bytes], *, make: bool, replaced: Container[tuple[bytes, ...]] = ()
    ) -> Node | None:
        """The directory at a path, symbolic links followed inside the tree, made where missing if `make`.

        None when there is none, or when a link on the way is at one of the paths that are `replaced`.
        """
        trail = [self._root]
        left = list(reversed(names))
        own = len(names)  # so many at the bottom of `left` come from `names`, what is above them from links
        links = 0
        while left:
            name = left.pop()
            of_link = len(left) >= own
            own = min(own, len(left))
            if name == b"..":
                if len(trail) > 1:
                    trail.pop()
                continue
            child = trail[-1].children.get(name)
            if child is None:
                if not make:
                    return None
                child = trail[-1].children[name] = self._made(name)
            if child.kind is Kind.SYMLINK:
                links += 1
                if links > _MOST_LINKS or (not of_link and tuple(names[: len(names) - own]) in replaced):
                    return None
                if child.target.startswith(b"/"):
                    trail = [self._root]
                left.extend(part for part in reversed(child.target.split(b"/")) if part not in {b"", b"."})
            elif child.kind is Kind.DIRECTORY:
                trail.append(child)
            else:
                return None
        return trail[-1]

    def _made(self, name: bytes) -> Node:
        if len(name) > _LONGEST_NAME:
            raise self._bad(
                "layer.name-too-long", f"the name {_shown(name)} has {len(name)} bytes, and Linux allows 255"
            )
        return Node(Kind.DIRECTORY, 0o755)

    def _bad(self, code: str, message: str) -> IntegrityError:
        return IntegrityError(
            code, message, where=f"layer {self._where}", hint="the image must be built again without this entry"
        )


def _describe(node: Node, entry: Entry) -> None:
    node.mode, node.uid, node.gid = entry.mode, entry.uid, entry.gid
    node.mtime, node.xattrs = entry.mtime, entry.xattrs


def _shown(path: bytes) -> str:
    text = path.decode(errors="backslashreplace")
    return f"`{text if len(text) <= 120 else text[:117] + '...'}`"
