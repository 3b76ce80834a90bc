"""What a format can hold of a tree, asked before a byte is written; what it cannot hold is refused with its path."""

from __future__ import annotations

from dataclasses import dataclass

from bootworthy.errors import RefusedError
from bootworthy.layers.node import BLOCK, Kind, Node, Tree

_SPECIAL = {Kind.CHARACTER, Kind.BLOCK}
_IDS = 2**32 - 1
"""The id of all ones means "no change" to Linux, so no file can have it."""
_SECOND = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a format ends; names, targets, ids and device numbers end where Linux ends."""

    filesystem: str
    """Its name, and the first part of the codes of errors."""
    largest_file: int
    """Bytes."""
    times: tuple[int, int] = (-(2**63), 2**63 - 1)
    """First and last second since 1970."""
    longest_path: int | None = None
    """Bytes, without a slash in front."""

    def check(self, tree: Tree) -> None:
        """Look at every node of a tree.

        Raises:
            RefusedError: the first thing that does not fit; the error names the path.
        """
        if tree.root.kind is not Kind.DIRECTORY:
            raise self.refused("root", b"", "the root of a tree is no directory", "give a tree of files")
        directories: set[int] = set()
        for path, node in tree.walk():
            self._facts(path, node)
            if node.kind is Kind.FILE:
                self._content(path, node)
            elif node.kind is Kind.DIRECTORY:
                for name in node.children:
                    self._name(path, name)
                if id(node) in directories:
                    raise self.refused("linked-directory", path, "a directory cannot have two names", "copy it instead")
                directories.add(id(node))

    def refused(self, code: str, path: bytes, message: str, hint: str) -> RefusedError:
        """The error for something at a path that the format cannot hold."""
        return RefusedError(f"{self.filesystem}.{code}", message, where=shown(path), hint=hint)

    def _name(self, folder: bytes, name: bytes) -> None:
        path = folder + b"/" + name if folder else name
        if not 0 < len(name) <= 255 or name in {b".", b".."} or b"\0" in name or b"/" in name:
            raise self.refused(
                "name", path, f"{self.filesystem} cannot hold this name", "names are 1 to 255 bytes, not `.` or `..`"
            )
        if self.longest_path is not None and len(path) > self.longest_path:
            raise self.refused(
                "path-too-long", path, f"a path of {len(path)} bytes", f"paths have at most {self.longest_path} bytes"
            )

    def _facts(self, path: bytes, node: Node) -> None:
        if not (0 <= node.uid < _IDS and 0 <= node.gid < _IDS):
            raise self.refused(
                "owner", path, f"owner {node.uid}:{node.gid} is out of range", "ids are below 4294967295"
            )
        first, last = self.times
        if not first <= node.mtime // _SECOND <= last:
            raise self.refused(
                "time", path, f"{self.filesystem} cannot hold its time, {node.mtime // _SECOND} s since 1970",
                f"times are from {first} to {last} s since 1970",
            )  # fmt: skip
        if node.kind is Kind.SYMLINK and (not 0 < len(node.target) <= 4095 or b"\0" in node.target):
            raise self.refused(
                "target", path, f"{self.filesystem} cannot hold this symbolic link's target",
                "targets are 1 to 4095 bytes",
            )  # fmt: skip
        if node.kind in _SPECIAL and not (0 <= node.device[0] < 2**12 and 0 <= node.device[1] < 2**20):
            raise self.refused(
                "device", path, f"device {node.device[0]}:{node.device[1]} is out of range",
                "Linux has majors below 4096 and minors below 1048576",
            )  # fmt: skip

    def _content(self, path: bytes, node: Node) -> None:
        if not 0 <= node.size <= self.largest_file:
            raise self.refused(
                "file-too-large", path, f"a file of {node.size} bytes",
                f"{self.filesystem} holds files of at most {self.largest_file} bytes",
            )  # fmt: skip
        end = 0
        for offset, length, _, position in node.chunks:
            if offset < end or offset % BLOCK or position % BLOCK or length <= 0:
                raise self.refused("chunks", path, "its pieces overlap or are not aligned", "unpack the layer again")
            end = offset + length
        if end > node.size:
            raise self.refused("chunks", path, "it has more content than its size says", "unpack the layer again")


def shown(path: bytes) -> str:
    """A path of a tree for people, with a slash in front."""
    return "/" + path.decode(errors="backslashreplace")
