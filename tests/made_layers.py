"""Layers made by code, and trees told in a form that can be compared."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from bootworthy.layers import tar
from bootworthy.layers.body import LayerFiles, ingest
from bootworthy.layers.entry import Entry
from bootworthy.layers.index import Index, Layer
from bootworthy.layers.merge import merge
from bootworthy.layers.node import Kind, Node, Tree
from bootworthy.layers.stream import Stream

EMPTY = "sha256:" + 64 * "0"


def entry(path: str | bytes, kind: Kind | None = Kind.FILE, **fields: object) -> Entry:
    """An entry; `wh` things are files as any."""
    name = path.encode() if isinstance(path, str) else path
    return Entry(name, kind, **fields)  # type: ignore[arg-type]


def index_of(entries: Sequence[Entry]) -> Index:
    """An index of entries that have no data."""
    return Index(Layer(EMPTY, EMPTY, 0, 0), entries)


def merged(*layers: Sequence[Entry]) -> Tree:
    """The tree of layers that are given as entries without data."""
    return merge([index_of(layer) for layer in layers], [Path("none")] * len(layers))


def members(data: bytes, piece: int = 1 << 20) -> list[Entry]:
    """The members of a tar, which arrives in pieces of a size."""
    return tar.entries_of(Stream(data[at : at + piece] for at in range(0, len(data), piece)))


def taken(data: bytes, folder: Path) -> LayerFiles:
    """A layer taken in."""
    return ingest(io.BytesIO(data), "", folder)


def tree(folder: Path, *layers: bytes) -> Tree:
    """The tree of layers that are given as tars."""
    files = [taken(layer, folder) for layer in layers]
    return merge([each.load() for each in files], [each.body for each in files])


def tarred(infos: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar that the standard library wrote."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as archive:
        for info, content in infos:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def told(tree: Tree, *, content: bool = False) -> dict[bytes, tuple[object, ...]]:
    """Every name with all that can be said of its node; names of one node say the same first name."""
    first: dict[int, bytes] = {}
    return {
        path: (*_node(node), first.setdefault(id(node), path), tree.read(node) if content else b"")
        for path, node in tree.walk()
    }


def _node(node: Node) -> tuple[object, ...]:
    return (node.kind, node.mode, node.uid, node.gid, node.mtime, node.size, node.target, node.device, node.xattrs)
