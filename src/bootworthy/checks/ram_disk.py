"""The initial RAM disk in an image: where it is, what is in it, and which modules it brings."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bootworthy.checks.kernel_file import natural
from bootworthy.checks.part import Part
from bootworthy.checks.reading import Trail, shown, trail
from bootworthy.errors import BuildError
from bootworthy.filesystems.cpio.read import MEMBERS
from bootworthy.kernels import ramdisk
from bootworthy.kernels.command_line import CommandLine
from bootworthy.kernels.compression import Compression
from bootworthy.kernels.modules import ModuleInfo, ModuleTree, module_name
from bootworthy.kernels.ramdisk import Unpacked
from bootworthy.layers.node import Kind, Node

# The first is ours, and what whole systems such as Kairos have. The others are what distributions call theirs.
_NAMES = (b"boot/initrd", b"boot/initrd.img", b"boot/initramfs", b"boot/initramfs.img", b"initrd", b"initrd.img")
_VERSIONED = re.compile(rb"(?:initrd(?:\.img)?-.+|initramfs-.+\.img)")
_BESIDE = re.compile(rb"kdump|-rescue|-fallback|\.(?:bak|old)$")
_SIZE_LIMIT = 512 << 20
_MODULE = re.compile(rb"(?:.*/)?[^/]+\.ko(?:\.(?:gz|xz|zst))?", re.DOTALL)
_ORDER = b"modules/order"
_ORDER_LIMIT = 1 << 20
_MODULE_LIMIT = 64 << 20
_LISTS = (b"usr/lib/modules", b"lib/modules")
_LIST_LIMIT = 64 << 20
_MANY = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class Inside(Part):
    """What a kernel finds in an initial RAM disk; read from memory, not from the bodies of layers."""

    unpacked: Unpacked | None = None

    def span(self, node: Node, start: int, size: int) -> bytes:
        """At most `size` bytes of a regular file from offset `start`; what lies behind its end is left out."""
        assert self.unpacked is not None
        return self.unpacked.span(node, start, size)


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """A module in an initial RAM disk. One of `info` and `fault` is None."""

    where: str
    info: ModuleInfo | None
    fault: BuildError | None


# No slots: modules are looked for once and kept beside the fields.
@dataclass(frozen=True, eq=False)
class RamDisk:
    """An initial RAM disk in an image. One of `inside` and `fault` is None."""

    part: Part
    path: bytes
    inside: Part | None
    fault: BuildError | None
    """Why it cannot be read."""
    compressions: tuple[Compression, ...] = ()
    """What the kernel must know to unpack it."""

    @property
    def where(self) -> str:
        """The place, for people."""
        return self.part.at(self.path)

    @functools.cached_property
    def modules(self) -> Mapping[str, bytes]:
        """The path of each module in it, by name."""
        if self.inside is None:
            return {}
        walked = itertools.islice(self.inside.tree.walk(), MEMBERS)
        paths = (path for path, node in walked if node.kind is Kind.FILE and _MODULE.fullmatch(path))
        found: dict[str, bytes] = {}
        for path in itertools.islice(paths, _MANY):
            found.setdefault(module_name(path.decode(errors="surrogateescape")), path)
        return found

    @functools.cached_property
    def order(self) -> tuple[str, ...] | None:
        """The modules that our own init loads, in order; None when another init finds out by itself."""
        text = None if self.inside is None else self.inside.head(_ORDER, _ORDER_LIMIT)
        if text is None:
            return None
        lines = text.decode(errors="replace").splitlines()
        return tuple(module_name(line.removeprefix("?")) for line in lines if line.strip())

    @functools.cached_property
    def lists(self) -> ModuleTree | None:
        """What `depmod` says of the modules in it; None when it has no lists, or damaged ones."""
        for folder in self._folders():
            try:
                return ModuleTree(functools.partial(self._list, folder))
            except BuildError:
                continue
        return None

    def module(self, name: str) -> Brought | None:
        """A module in it, opened; None when it is not there."""
        path = self.modules.get(name)
        if path is None or self.inside is None:
            return None
        if name not in self._opened:
            self._opened[name] = _opened(self.inside, path)
        return self._opened[name]

    @functools.cached_property
    def _opened(self) -> dict[str, Brought]:
        return {}

    def _folders(self) -> Iterator[bytes]:
        for root in _LISTS:
            folder = None if self.inside is None else self.inside.folder(root)
            for name in sorted(folder.children, key=natural, reverse=True) if folder is not None else ():
                yield root + b"/" + name

    def _list(self, folder: bytes, name: str) -> bytes | None:
        assert self.inside is not None
        return self.inside.read(folder + b"/" + name.encode(errors="surrogateescape"), _LIST_LIMIT)


def locate(part: Part, release: str | None) -> bytes | None:
    """The path of the initial RAM disk in an image: by its plain name, else that of a release, else the newest."""
    for name in _NAMES:
        if part.file(name) is not None:
            return name
    boot = part.folder(b"boot")
    names = [] if boot is None else [name for name in boot.children if _versioned(name)]
    if release is not None:
        ends = tuple(b"-" + release.encode(errors="replace") + suffix for suffix in (b"", b".img"))
        names = [name for name in names if name.endswith(ends)] or names
    paths = [b"boot/" + name for name in sorted(names, key=natural, reverse=True)]
    return next((path for path in paths if part.file(path) is not None), None)


def read(part: Part, release: str | None) -> RamDisk | None:
    """The initial RAM disk of an image; None when it has none."""
    path = locate(part, release)
    if path is None:
        return None
    try:
        unpacked = ramdisk.unpack(part.read(path, _SIZE_LIMIT) or b"")
    except BuildError as fault:
        return RamDisk(part, path, None, fault)
    inside = Inside(part.at(path), unpacked.tree, unpacked=unpacked)
    return RamDisk(part, path, inside, None, unpacked.compressions)


def init(inside: Part, arguments: CommandLine) -> Trail:
    """The first process of an initial RAM disk: `/init`, or what `rdinit=` names."""
    word = arguments.last("rdinit")
    name = word.value if word is not None and word.value else "/init"
    return trail(inside.tree, name.encode(errors="surrogateescape"))


def _opened(inside: Part, path: bytes) -> Brought:
    try:
        data = inside.read(path, _MODULE_LIMIT) or b""
        return Brought(inside.at(path), ModuleInfo.parse(data, where=shown(path)), None)
    except BuildError as fault:
        return Brought(inside.at(path), None, fault)


def _versioned(name: bytes) -> bool:
    return _VERSIONED.fullmatch(name) is not None and _BESIDE.search(name) is None
