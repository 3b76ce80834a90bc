"""Part of a tree, by paths and globs that a person wrote."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Iterator, Sequence

from bootworthy.errors import NotFoundError
from bootworthy.layers.node import Kind, Node, Tree

Path = tuple[bytes, ...]
"""Names from the root on; the root itself has none."""
_LINKS = 40


def every(tree: Tree) -> dict[Path, Node]:
    """All of a tree, parents first, siblings in byte order."""
    return dict(below((), tree.root))


def select(tree: Tree, patterns: Sequence[str], where: str) -> dict[Path, Node]:
    """What the patterns name, with everything below it and the directories above it, parents first.

    A pattern is a path, whose leading slash may be left out; `*`, `?` and `[...]` match within one name. Symbolic links
    on the way are followed inside the tree, and what is found keeps its real path; a link that is named itself is not
    followed.

    Raises:
        NotFoundError: `image.no-path`, with the nearest; `where` is the image's name.
    """
    found: dict[Path, Node] = {}
    for pattern in patterns:
        names = [name for name in _bytes(pattern).split(b"/") if name not in {b"", b"."}]
        matches = list(_matching(tree, names))
        if not matches:
            raise NotFoundError(
                "image.no-path", f"there is no /{pattern.strip('/')} in the image", where=where,
                hint=_nearest(tree, names),
            )  # fmt: skip
        for trail in matches:
            path: Path = tuple(name for name, _ in trail)
            found |= {path[:depth]: node for depth, (_, node) in enumerate(trail, 1)}
            found |= below(path, trail[-1][1] if trail else tree.root)
    found[()] = tree.root
    return dict(sorted(found.items()))


def below(path: Path, node: Node) -> Iterator[tuple[Path, Node]]:
    """A node and all that is below it, parents first, siblings in byte order."""
    stack = [(path, node)]
    while stack:
        path, node = stack.pop()
        yield path, node
        stack.extend(((*path, name), node.children[name]) for name in sorted(node.children, reverse=True))


_Trail = tuple[tuple[bytes, Node], ...]


def _matching(tree: Tree, names: Sequence[bytes]) -> Iterator[_Trail]:
    """Trails of (name, node) to what a path means; names that are there as they are written are no globs."""
    waiting: list[tuple[_Trail, tuple[bytes, ...], int]] = [((), tuple(names), 0)]
    while waiting:
        trail, left, links = waiting.pop()
        if not left:
            yield trail
            continue
        first, rest = left[0], left[1:]
        if first in {b".", b".."}:
            waiting.append((trail if first == b"." else trail[:-1], rest, links))
            continue
        folder = trail[-1][1] if trail else tree.root
        for name in reversed(_names(folder, first)):
            node = folder.children[name]
            if node.kind is Kind.SYMLINK and rest:
                if links < _LINKS:
                    target = tuple(part for part in node.target.split(b"/") if part not in {b"", b"."})
                    start: _Trail = () if node.target.startswith(b"/") else trail
                    waiting.append((start, target + rest, links + 1))
            else:
                waiting.append(((*trail, (name, node)), rest, links))


def _names(folder: Node, pattern: bytes) -> list[bytes]:
    if pattern in folder.children:
        return [pattern]
    matches = re.compile(fnmatch.translate(pattern.decode("latin-1")).encode("latin-1"), re.DOTALL).match
    return sorted(name for name in folder.children if matches(name)) if _is_glob(pattern) else []


def _is_glob(name: bytes) -> bool:
    return bool(set(name) & set(b"*?["))


def _nearest(tree: Tree, names: Sequence[bytes]) -> str | None:
    """Names like the one that is missing where it is missing, else paths elsewhere that end like it."""
    for depth, name in enumerate(names):
        trail = next(_matching(tree, names[: depth + 1]), None)
        if trail is not None:
            continue
        above = next(_matching(tree, [*names[:depth], b"."]), ())
        folder = above[-1][1] if above else tree.root
        place = "".join(f"/{_text(each)}" for each, _ in above)
        known = [_text(each) for each in sorted(folder.children)]
        close = difflib.get_close_matches(_text(name), known, 3, 0.6)
        elsewhere = [path for path, _ in tree.walk() if path.rpartition(b"/")[2] == names[-1]][:3]
        shown = [f"{place}/{each}" for each in close] or [f"/{_text(path)}" for path in elsewhere]
        shown = shown or [f"{place}/{each}" for each in known[:5]]
        return f"there is: {', '.join(shown)}" if shown else None
    return None


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _text(name: bytes) -> str:
    return name.decode(errors="backslashreplace")
