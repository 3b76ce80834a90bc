"""How two images differ, in what people ask about. Times do not count: whoever makes an image again changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from bootworthy.bundles.contents import Contents
from bootworthy.bundles.packages import Package
from bootworthy.layers.node import Kind, Node, Tree

_PIECE = 1 << 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that both have, and have not the same."""

    name: str
    before: str
    after: str

    def as_json(self) -> dict[str, str]:
        """For programs."""
        return {"name": self.name, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class Changes:
    """Things of one kind; each is told as text."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "added": list(self.added), "removed": list(self.removed),
            "changed": [each.as_json() for each in self.changed],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Files:
    """How many names there are, and the bytes behind them."""

    added: int = 0
    added_bytes: int = 0
    removed: int = 0
    removed_bytes: int = 0
    changed: int = 0
    changed_bytes: int = 0
    """As they are after."""
    paths: tuple[tuple[str, str], ...] = field(default=())
    """`+`, `-` or `~`, and the path; directories above and below that come along are in it."""

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "added": {"names": self.added, "bytes": self.added_bytes},
            "removed": {"names": self.removed, "bytes": self.removed_bytes},
            "changed": {"names": self.changed, "bytes": self.changed_bytes},
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How two images differ."""

    packages: Changes
    users: Changes
    enabled: Changes
    listens: Changes
    lacks: Changes
    kernels: Changes
    files: Files

    def __bool__(self) -> bool:
        files = self.files
        return any(bool(each) for each in self.kinds().values()) or bool(files.added + files.removed + files.changed)

    def kinds(self) -> dict[str, Changes]:
        """Everything but files, by what people call it."""
        return {
            "kernels": self.kernels, "packages": self.packages, "users": self.users, "enabled": self.enabled,
            "listens": self.listens, "lacks": self.lacks,
        }  # fmt: skip

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {**{name: each.as_json() for name, each in self.kinds().items()}, "files": self.files.as_json()}


def difference(before: tuple[Tree, Contents], after: tuple[Tree, Contents]) -> Difference:
    """Compare two images; each is its tree and what `contents` found in that.

    Raises:
        OSError: a body cannot be read.
    """
    (old_tree, old), (new_tree, new) = before, after
    return Difference(
        kernels=_listed(old.kernels, new.kernels),
        packages=_changes(_packages(old), _packages(new), lambda each: each.version),
        users=_changes(
            {each.name: each for each in old.accounts}, {each.name: each for each in new.accounts},
            lambda each: f"uid {each.uid}, gid {each.gid}, {each.home}, {each.shell}, password {each.password}",
        ),
        enabled=_listed(old.enabled, new.enabled),
        listens=_listed(*([f"{at.address}:{at.port}/{at.protocol}" for at in each.listeners] for each in (old, new))),
        lacks=_listed(old.lacks, new.lacks),
        files=files(old_tree, new_tree),
    )  # fmt: skip


def _packages(found: Contents) -> dict[str, Package]:
    """By name alone where that tells them apart, so that a package that changed its architecture is one change."""
    names = [each.name for each in found.packages]
    return {each.name if names.count(each.name) == 1 else each.key: each for each in found.packages}


def _listed(before: Iterable[str], after: Iterable[str]) -> Changes:
    old, new = set(before), set(after)
    return Changes(tuple(sorted(new - old)), tuple(sorted(old - new)))


def _changes(before: Mapping[str, T], after: Mapping[str, T], told: Callable[[T], str]) -> Changes:
    def named(name: str, thing: T) -> str:
        return f"{name} {told(thing)}"

    return Changes(
        tuple(named(name, after[name]) for name in sorted(after.keys() - before.keys())),
        tuple(named(name, before[name]) for name in sorted(before.keys() - after.keys())),
        tuple(
            Change(name, told(before[name]), told(after[name]))
            for name in sorted(before.keys() & after.keys())
            if told(before[name]) != told(after[name])
        ),
    )


def files(before: Tree, after: Tree) -> Files:
    """Compare every name of two trees, and what is in files of the same size.

    Raises:
        OSError: a body cannot be read.
    """
    old, new = dict(before.walk()), dict(after.walk())
    added, removed = new.keys() - old.keys(), old.keys() - new.keys()
    changed = {path for path in old.keys() & new.keys() if not _same(before, old[path], after, new[path])}
    signs = {**dict.fromkeys(added, "+"), **dict.fromkeys(removed, "-"), **dict.fromkeys(changed, "~")}
    return Files(
        len(added), sum(new[path].size for path in added), len(removed), sum(old[path].size for path in removed),
        len(changed), sum(new[path].size for path in changed),
        tuple((signs[path], "/" + path.decode(errors="backslashreplace")) for path in sorted(signs)),
    )  # fmt: skip


def _same(old_tree: Tree, old: Node, new_tree: Tree, new: Node) -> bool:
    if _facts(old) != _facts(new):
        return False
    return old.kind is not Kind.FILE or _places(old_tree, old) == _places(new_tree, new) or _equal(
        old_tree, old, new_tree, new
    )  # fmt: skip


def _facts(node: Node) -> tuple[object, ...]:
    return (node.kind, node.mode, node.uid, node.gid, node.size, node.target, node.device, node.xattrs)


def _places(tree: Tree, node: Node) -> list[tuple[object, ...]]:
    return [(chunk.offset, chunk.length, tree.bodies[chunk.body], chunk.position) for chunk in node.chunks]


def _equal(old_tree: Tree, old: Node, new_tree: Tree, new: Node) -> bool:
    """Whether two files of one size have the same bytes; a hole is as many zeros, and is not read in both."""
    starts = {
        at
        for chunk in (*old.chunks, *new.chunks)
        for at in range(chunk.offset // _PIECE * _PIECE, chunk.offset + chunk.length, _PIECE)
    }
    return all(_read(old_tree, old, at, _PIECE) == _read(new_tree, new, at, _PIECE) for at in sorted(starts))


def _read(tree: Tree, node: Node, start: int, size: int) -> bytes:
    """Some bytes of a file, from its chunks."""
    end = min(start + size, node.size)
    content = bytearray(end - start)
    for chunk in node.chunks:
        first, last = max(start, chunk.offset), min(end, chunk.offset + chunk.length)
        if first < last:
            with tree.bodies[chunk.body].open("rb") as body:
                body.seek(chunk.position + first - chunk.offset)
                content[first - start : last - start] = body.read(last - first)
    return bytes(content)
