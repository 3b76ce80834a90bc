"""The libraries of a program, looked for as the dynamic linkers of glibc and musl look: what is nowhere is missing.

Sources: ld.so(8) (order, `$ORIGIN`, `$LIB`, `$PLATFORM`) and ldconfig(8) (ld.so.conf); ldso/dynlink.c of musl (its path
file, and the names that its C library stands for). What ld.so.conf names counts as found where ldconfig would find it:
ld.so.cache may be made when the machine first starts.
"""

from __future__ import annotations

import fnmatch
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from bootworthy.checks import dynamic
from bootworthy.checks.dynamic import Dynamic
from bootworthy.checks.part import Part
from bootworthy.checks.reading import Trail, shown, trail
from bootworthy.errors import BuildError
from bootworthy.kernels.elf import MACHINE_AARCH64, MACHINE_X86_64
from bootworthy.layers.node import Kind

_TRIPLETS = {MACHINE_X86_64: b"x86_64-linux-gnu", MACHINE_AARCH64: b"aarch64-linux-gnu"}
_PLATFORMS = {MACHINE_X86_64: b"x86_64", MACHINE_AARCH64: b"aarch64"}
_MUSL = b"ld-musl-"
_MUSL_FOLDERS = (b"/lib", b"/usr/local/lib", b"/usr/lib")
_MUSL_ITSELF = (b"libc.", b"libpthread.", b"librt.", b"libm.", b"libdl.", b"libutil.", b"libxnet.")
_OBJECTS = 512
"""Libraries of one program; systemd has about thirty."""
_TRIES = 100_000
_CONF_LIMIT = 64 << 10
_CONF_FILES = 64
_CONF_FOLDERS = 256


@dataclass(frozen=True, slots=True)
class Missing:
    """A library that is nowhere."""

    name: bytes
    needed_by: bytes
    """The path of the program or library that needs it."""
    foreign: bytes = b""
    """A path where there is one, for another architecture."""


@dataclass(frozen=True, slots=True)
class _Object:
    """A program or a library on its way into a process."""

    path: bytes
    asks: Dynamic
    above: tuple[bytes, ...]
    """Folders that what needs it looks in for all below."""


def missing(part: Part, program: Trail, asks: Dynamic, machine: int) -> Iterator[Missing]:
    """What a program for `machine` needs, directly and through others, and would not find in an image.

    Raises:
        BuildError: `check.program`, with its path, when a library is damaged.
    """
    if asks.interpreter is None:
        return
    search = _Search(part, asks.interpreter, machine)
    waiting = deque([_Object(program.path, asks, ())])
    seen: set[bytes] = {asks.interpreter.rpartition(b"/")[2]}
    while waiting and len(seen) < _OBJECTS:
        each = waiting.popleft()
        below = (*each.above, *_expanded(each.asks.rpath, each.path, machine)) if not each.asks.runpath else each.above
        for name in each.asks.needed:
            if name in seen or search.itself(name):
                continue
            seen.add(name)
            found, foreign = search.find(name, each, below)
            if found is None:
                yield Missing(name, each.path, foreign)
                continue
            waiting.append(_Object(found.path, _read(part, found), below))


def _read(part: Part, library: Trail) -> Dynamic:
    assert library.node is not None
    try:
        return dynamic.read(part, library.node)
    except BuildError as fault:
        raise BuildError(fault.code, fault.message, where=shown(library.path), hint=fault.hint) from fault


class _Search:
    """Where the dynamic linker of one program looks."""

    def __init__(self, part: Part, interpreter: bytes, machine: int) -> None:
        self._part = part
        self._machine = machine
        self._musl = interpreter.rpartition(b"/")[2].startswith(_MUSL)
        self._folders = tuple(_musl(part, interpreter) if self._musl else _glibc(part, interpreter, machine))
        self._tries = _TRIES

    def itself(self, name: bytes) -> bool:
        """Whether the dynamic linker is that library, too."""
        return self._musl and name.startswith(_MUSL_ITSELF)

    def find(self, name: bytes, by: _Object, below: tuple[bytes, ...]) -> tuple[Trail | None, bytes]:
        """Where a library is; and, when it is nowhere, where there is one for another architecture."""
        if b"/" in name:
            candidates: Iterator[bytes] = _expanded((name,), by.path, self._machine)
        else:
            folders = (*below, *_expanded(by.asks.runpath, by.path, self._machine), *self._folders)
            candidates = (folder + b"/" + name for folder in folders)
        foreign = b""
        for path in candidates:
            self._tries -= 1
            if self._tries < 0:
                break
            there = trail(self._part.tree, path)
            if there.node is None or there.node.kind is not Kind.FILE:
                continue
            # One for another architecture is passed over.
            if dynamic.machine(self._part, there.node) == self._machine:
                return there, b""
            foreign = foreign or path
        return None, foreign


def _expanded(paths: tuple[bytes, ...], of: bytes, machine: int) -> Iterator[bytes]:
    """Folders as the dynamic linker reads them, in what is at the path `of`."""
    origin = of.rpartition(b"/")[0] or b"/"
    triplet = _TRIPLETS.get(machine, b"")
    for path in paths:
        plain = path
        for name, value in ((b"ORIGIN", origin), (b"PLATFORM", _PLATFORMS.get(machine, b""))):
            plain = plain.replace(b"$" + name, value).replace(b"${" + name + b"}", value)
        plain = plain.replace(b"${LIB}", b"$LIB")
        if not plain.startswith(b"/"):
            continue  # below the folder that init is started in, which is nobody's place for libraries
        for value in (b"lib64", b"lib", b"lib/" + triplet) if b"$LIB" in plain else (b"",):
            yield plain.replace(b"$LIB", value)


def _musl(part: Part, interpreter: bytes) -> Iterator[bytes]:
    name = interpreter.rpartition(b"/")[2].split(b".so")[0]
    text = part.head(b"etc/" + name + b".path", _CONF_LIMIT)
    if text is None:
        yield from _MUSL_FOLDERS
        return
    yield from (folder for line in text.splitlines() for folder in line.split(b":") if folder.startswith(b"/"))


def _glibc(part: Part, interpreter: bytes, machine: int) -> Iterator[bytes]:
    triplet = _TRIPLETS.get(machine, b"")
    yield from (b"/lib/" + triplet, b"/usr/lib/" + triplet, b"/lib64", b"/usr/lib64", b"/lib", b"/usr/lib")
    # One that was built for another place, as Nix does, looks in its own.
    yield trail(part.tree, interpreter).path.rpartition(b"/")[0]
    folders = dict.fromkeys(_configured(part, b"/etc/ld.so.conf", set()))
    yield from list(folders)[:_CONF_FOLDERS]


def _configured(part: Part, path: bytes, read: set[bytes]) -> Iterator[bytes]:
    """The folders in ld.so.conf, and in what it includes; each file is read once."""
    if path in read or len(read) == _CONF_FILES:
        return
    read.add(path)
    for raw in (part.head(path, _CONF_LIMIT) or b"").splitlines():
        line = raw.split(b"#", 1)[0].strip()
        words = line.split()
        if words[:1] == [b"include"]:
            for pattern in words[1:]:
                for other in _matching(part, pattern if pattern.startswith(b"/") else b"/etc/" + pattern):
                    yield from _configured(part, other, read)
        elif line.startswith(b"/"):
            yield line.split(b"=", 1)[0].rstrip()


def _matching(part: Part, pattern: bytes) -> Iterator[bytes]:
    folder, _, last = pattern.rpartition(b"/")
    there = part.folder(folder)
    for name in sorted(there.children) if there is not None else ():
        if fnmatch.fnmatchcase(name, last):
            yield folder + b"/" + name
