"""What must hold for any bytes that are given to us as layers; raises nothing but assertions when it does not."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bootworthy.errors import IntegrityError
from bootworthy.layers import index as indexes
from bootworthy.layers import tar
from bootworthy.layers.bounds import bounded
from bootworthy.layers.entry import Entry
from bootworthy.layers.index import Index, Layer
from bootworthy.layers.merge import merge
from bootworthy.layers.node import Kind, Tree
from bootworthy.layers.stream import Stream

T = TypeVar("T")

_KINDS = {
    Kind.FILE: tarfile.REGULAR_TYPES, Kind.DIRECTORY: (tarfile.DIRTYPE, b"D"), Kind.SYMLINK: (tarfile.SYMTYPE,),
    Kind.CHARACTER: (tarfile.CHRTYPE,), Kind.BLOCK: (tarfile.BLKTYPE,), Kind.FIFO: (tarfile.FIFOTYPE,),
}  # fmt: skip
_LONG = b"././@LongLink"
_BLOCK = 512
_CHECKSUM = slice(148, 156)
_NONE = "sha256:" + 64 * "0"
_MOST = 2000
"""Names of a tree that are looked at: a few bytes can ask for a deep one."""


def read(data: bytes, piece: int = 1 << 20) -> list[tuple[Entry, bytes]]:
    """The members of a tar with their data, which arrives in pieces of a size.

    Raises:
        IntegrityError: it is no good tar.
    """
    stream = Stream((data[at : at + piece] for at in range(0, len(data), piece)), where="fuzzed")
    found = []
    for entry in bounded(tar.read(stream), where="fuzzed"):
        content = b"".join(map(bytes, stream.views(entry.stored, "test")))
        found.append((entry, content))
    stream.drain()
    assert stream.position == len(data)
    return found


def check(*layers: bytes) -> Tree | None:
    """Read tars, keep and find their indexes, and merge them; the tree, or None when they were refused."""
    taken = []
    for data in layers:
        members = _read_alike(data)
        if members is None:
            return None
        entries = [replace(entry, data=0, extents=None) for entry, _ in members]  # places in a tar are not kept
        for entry, content in members:
            _check_entry(entry, content, len(data))
        made = Index(Layer(_NONE, _NONE, len(data), 0), entries)
        assert indexes.decode(indexes.encode(made)) == made
        taken.append(made)
    tree, _ = _refusable(lambda: merge(taken, [Path("none")] * len(taken)))
    if tree is not None:
        check_tree(tree, taken)
    return tree


def _read_alike(data: bytes) -> list[tuple[Entry, bytes]] | None:
    """What is read, or None; it does not depend on how it arrives."""
    whole, refused = _refusable(lambda: read(data))
    assert _refusable(lambda: read(data, 700)) == (whole, refused)
    return whole


def _refusable(make: Callable[[], T]) -> tuple[T | None, tuple[str, ...]]:
    """What is made, or what is said instead."""
    try:
        return make(), ()
    except IntegrityError as error:
        told = (error.code, error.message, error.where or "", error.hint or "")
    assert all(told)
    return None, told


def _check_entry(entry: Entry, content: bytes, limit: int) -> None:
    assert b"\0" not in entry.path + entry.target
    assert len(content) == entry.stored <= limit
    assert 0 <= entry.mode <= 0o7777
    assert 0 <= entry.uid < 2**32 - 1
    assert 0 <= entry.gid < 2**32 - 1
    assert -(2**63) <= entry.mtime // 10**9 < 2**63
    assert entry.xattrs == tuple(sorted(dict(entry.xattrs).items()))
    end = 0
    for offset, length in entry.extents or ():
        assert end <= offset
        assert length > 0
        end = offset + length
    assert end <= entry.size


def check_tree(tree: Tree, layers: Sequence[Index]) -> None:
    """Nothing lies outside the root, no directory has two names, and nothing is there that no layer brought."""
    assert tree.root.kind is Kind.DIRECTORY
    last = {name for layer in layers for entry in layer.entries for name in _words(entry)}
    directories: set[int] = set()
    for count, (path, node) in enumerate(tree.walk()):
        if count == _MOST:
            break
        if path:
            name = path.rpartition(b"/")[2]
            assert 0 < len(name) <= 255
            assert name not in {b".", b".."}
            assert b"\0" not in name
            assert not name.startswith(b".wh..wh.")
            assert name in last
        if node.kind is Kind.DIRECTORY:
            assert id(node) not in directories
            directories.add(id(node))
        else:
            assert not node.children
        if node.kind is Kind.SYMLINK:
            assert 0 < len(node.target) <= 4095
        assert bool(node.size) <= (node.kind is Kind.FILE)


def _words(entry: Entry) -> set[bytes]:
    return {*entry.path.split(b"/"), *entry.target.split(b"/")}


def mended(data: bytes | bytearray) -> bytes:
    """A tar whose headers have right checksums, so that what is in them is looked at: what says `ustar` is a header."""
    found = bytearray(data)
    for at in range(0, len(found) - _BLOCK + 1, _BLOCK):
        header = found[at : at + _BLOCK]
        if header[257:262] == b"ustar":
            header[_CHECKSUM] = b" " * 8
            found[at + _CHECKSUM.start : at + _CHECKSUM.stop] = b"%06o\0 " % sum(header)
    return bytes(found)


def compare(data: bytes) -> None:
    """Hold what we read of a tar to what the standard library reads of it, where both can.

    It ends quietly at a header that is wrong, where we refuse. Where several long names come before a member, it takes
    the first; we take the last, as Go does.
    """
    ours, _ = _refusable(lambda: read(data))
    if ours is None or data.count(_LONG) > 1:
        return
    theirs = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape") as archive:
            theirs = list(archive)
    except (tarfile.TarError, ValueError, OverflowError, EOFError):
        return
    for (entry, _), info in zip(ours, theirs, strict=False):
        kind = next((kind for kind, types in _KINDS.items() if info.type in types), None)
        assert (entry.kind, entry.size) == (kind, info.size if info.isreg() else 0)
        # it heeds the prefix of headers that are not ustar's, too
        assert info.name.encode("utf-8", "surrogateescape").rstrip(b"/").endswith(entry.path)


def layers_in(data: bytes) -> tuple[bytes, ...]:
    """One or two layers that some bytes stand for: the first byte says how many, and whether they are mended."""
    if not data:
        return (b"",)
    rest = mended(data[1:]) if data[0] & 1 else data[1:]
    if not data[0] & 2:
        return (rest,)
    half = len(rest) // 2 // _BLOCK * _BLOCK
    return rest[:half], rest[half:]
