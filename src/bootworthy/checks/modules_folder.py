"""The modules in an image: the folder that holds `modules.dep`, and some modules of it, opened."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bootworthy.builders.kernel_images import RELEASE_LABEL
from bootworthy.checks.kernel_file import natural
from bootworthy.checks.part import Part
from bootworthy.errors import BuildError
from bootworthy.kernels.modules import ModuleInfo, ModuleTree, module_name
from bootworthy.layers.node import Kind, Node, Tree

_ROOTS = (b"usr/lib/modules", b"lib/modules")
_MODULE = re.compile(rb".*\.ko(?:\.(?:gz|xz|zst))?", re.DOTALL)
_LISTS = (b"modules.dep", b"modules.builtin", b"modules.order")
_LIST_LIMIT = 64 << 20
_MODULE_LIMIT = 64 << 20
_MANY = 50_000
"""No kernel has so many modules; what has more is looked at so far."""
_SAMPLE = 16
"""Modules that are opened. All of them would take seconds, and those of one folder come from one build."""


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """One module that was opened. Without `info` and `fault` it is not there."""

    where: str
    info: ModuleInfo | None
    fault: BuildError | None


@dataclass(frozen=True, slots=True, eq=False)
class ModulesFolder:
    """The modules of one kernel release."""

    part: Part
    path: bytes
    """Below the image's root; empty when they are flat, `modules.dep` at the top."""
    tree: ModuleTree | None
    """What the lists of `depmod` say; None when there are none, or they are damaged."""
    fault: BuildError | None
    """Why there is no `tree`."""
    files: tuple[str, ...]
    """Every module that the lists name, by its path below the folder, in byte order; without lists, all there are."""
    there: frozenset[str]
    """Every module that is a file of its own."""
    sample: tuple[Sampled, ...]
    """The first, the last and some between, and some of each folder that is not `kernel`."""

    @property
    def where(self) -> str:
        """The place, for people."""
        return self.part.at(self.path)

    @property
    def release(self) -> str | None:
        """The release it stands under; None where they are flat."""
        return self.path.rpartition(b"/")[2].decode(errors="replace") or None

    @property
    def labelled(self) -> str | None:
        """The release that the label of their image says."""
        return self.part.labels.get(RELEASE_LABEL) if not self.path else None

    def absent(self) -> Iterator[str]:
        """Modules that `modules.dep` names, on their own or as needed by others, and that are not there."""
        needed = self.tree.needed.difference(self.files) if self.tree is not None else ()
        for path in (*self.files, *sorted(needed)):
            if path not in self.there and self.part.file(self.path + b"/" + _bytes(path)) is None:
                yield path

    def unlisted(self) -> Iterator[str]:
        """Modules that are there and that `modules.dep` does not name, nor another of the same name, which then is the
        one that is loaded.
        """
        if self.tree is not None:
            for path in sorted(self.there.difference(self.files)):
                if module_name(path) not in self.tree:
                    yield path


def of_image(part: Part, release: str | None) -> ModulesFolder:
    """The modules of a modules image: flat, or, as it should not be, under `lib/modules/RELEASE` or `RELEASE`."""
    top = part.tree.root
    if any(name in top.children for name in _LISTS):
        return _open(part, b"")
    found = [path for path in (*_under_roots(part), *sorted(top.children)) if part.file(path + b"/modules.dep")]
    found = found or [path for path in _under_roots(part) if _has_modules(part, path)]
    return _open(part, _chosen(found, release) or b"")


def of_root(part: Part, release: str | None) -> ModulesFolder | None:
    """The modules that a root image brings, those of `release` if it has them; None when it has none."""
    found = [path for path in _under_roots(part) if _has_modules(part, path)]
    path = _chosen(found, release)
    return None if path is None else _open(part, path)


def _under_roots(part: Part) -> list[bytes]:
    for root in _ROOTS:
        folder = part.folder(root)
        if folder is not None:
            names = (name for name, node in folder.children.items() if node.kind is Kind.DIRECTORY)
            return [root + b"/" + name for name in sorted(names, key=natural)]
    return []


def _has_modules(part: Part, path: bytes) -> bool:
    folder = part.folder(path)
    return folder is not None and (b"modules.dep" in folder.children or next(_walked(folder), None) is not None)


def _chosen(found: list[bytes], release: str | None) -> bytes | None:
    if release is not None:
        name = release.encode(errors="replace")
        named = [path for path in found if path.rpartition(b"/")[2] == name]
        found = named or found
    return found[-1] if found else None


def _open(part: Part, path: bytes) -> ModulesFolder:
    def read(name: str) -> bytes | None:
        return part.read(path + b"/" + _bytes(name), _LIST_LIMIT)

    try:
        tree, fault = ModuleTree(read), None
    except BuildError as error:
        tree, fault = None, error
    there = frozenset(_walked(part.folder(path)))
    files = tuple(sorted(there) if tree is None else itertools.islice(tree, _MANY))
    sample = tuple(_sampled(part, path, name) for name in _picked(files))
    return ModulesFolder(part, path, tree, fault, files, there, sample)


def _picked(files: tuple[str, ...]) -> list[str]:
    """Five of all, evenly; and of what was put beside the kernel's own (`updates`, `extra`), the first and the last."""
    found = {files[len(files) * quarter // 4] for quarter in range(4)} | {files[-1]} if files else set()
    for _, group in itertools.groupby(files, lambda path: path.partition("/")[0]):
        names = list(group)
        found |= {names[0], names[-1]} if len(found) < _SAMPLE else set()
    return sorted(found)


def _walked(folder: Node | None) -> Iterator[str]:
    if folder is None:
        return
    for path, node in itertools.islice(Tree(folder).walk(), _MANY):
        if node.kind is Kind.FILE and _MODULE.fullmatch(path):
            yield path.decode(errors="surrogateescape")


def _sampled(part: Part, folder: bytes, name: str) -> Sampled:
    path = folder + b"/" + _bytes(name)
    where = part.at(path)
    try:
        data = part.read(path, _MODULE_LIMIT)
        if data is None:
            return Sampled(where, None, None)
        return Sampled(where, ModuleInfo.parse(data, where=name, limit=_MODULE_LIMIT), None)
    except BuildError as fault:
        return Sampled(where, None, fault)


def _bytes(path: str) -> bytes:
    return path.encode(errors="surrogateescape")
