"""Two trees that must be the same: names, facts, bytes, and which names share a node."""

from __future__ import annotations

from bootworthy.layers.node import Kind, Node, Tree

_SMALL = 1 << 26


def same(wanted: Tree, found: Tree) -> None:
    """Fail where they differ; content of files that are larger than 64 MiB is compared piece by piece."""
    other: dict[int, Node] = {}
    for (path, node), (place, seen) in zip(wanted.walk(), found.walk(), strict=True):
        assert path == place
        assert other.setdefault(id(node), seen) is seen, path
        for fact in ("kind", "mode", "uid", "gid", "mtime", "xattrs", "size", "target", "device"):
            assert getattr(node, fact) == getattr(seen, fact), (path, fact)
        if node.kind is Kind.FILE and node.size <= _SMALL:
            assert wanted.read(node) == found.read(seen), path
        elif node.kind is Kind.FILE:
            assert _pieces(wanted, node) == _pieces(found, seen), path
    assert len({id(node) for _, node in wanted.walk()}) == len({id(node) for _, node in found.walk()})


def _pieces(tree: Tree, node: Node) -> dict[int, bytes]:
    """Blocks of a file that are not zero."""
    found = {}
    for chunk in node.chunks:
        with tree.bodies[chunk.body].open("rb") as body:
            body.seek(chunk.position)
            data = body.read(chunk.length)
        for at in range(0, len(data), 4096):
            if any(data[at : at + 4096]):
                found[chunk.offset + at] = data[at : at + 4096].ljust(4096, b"\0")
    return found
