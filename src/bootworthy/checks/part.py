"""One image of what is to boot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bootworthy.checks.reading import refuse_large, shown, span
from bootworthy.layers.node import Kind, Node, Tree


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """An image: its name, its merged tree, its labels."""

    name: str
    """`reference@digest`."""
    tree: Tree
    labels: Mapping[str, str] = field(default_factory=dict)

    def at(self, path: bytes | str) -> str:
        """A place in it, for people: `REF@DIGEST: /sbin/init`."""
        return f"{self.name}: /{shown(path).lstrip('/')}"

    def file(self, path: bytes) -> Node | None:
        """The regular file at a path, links followed; None when there is none."""
        node = self.tree.find(path)
        return node if node is not None and node.kind is Kind.FILE else None

    def folder(self, path: bytes) -> Node | None:
        """The directory at a path, links followed; None when there is none."""
        node = self.tree.find(path)
        return node if node is not None and node.kind is Kind.DIRECTORY else None

    def span(self, node: Node, start: int, size: int) -> bytes:
        """At most `size` bytes of a regular file from offset `start`; what lies behind its end is left out."""
        return span(self.tree, node, start, size)

    def head(self, path: bytes, size: int) -> bytes | None:
        """The first `size` bytes of the regular file at a path; None when there is none."""
        node = self.file(path)
        return None if node is None else self.span(node, 0, size)

    def read(self, path: bytes, limit: int) -> bytes | None:
        """All of the regular file at a path; None when there is none.

        Raises:
            BuildError: `check.too-large`, when it has more than `limit` bytes.
        """
        node = self.file(path)
        if node is None:
            return None
        refuse_large(node, limit)
        return self.span(node, 0, limit)
