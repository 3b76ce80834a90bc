"""Kernel modules: what one says of itself, and in which order a set of them is loaded.

Sources: modules.dep(5), modprobe.d(5) (softdep), Documentation/kbuild/kbuild.rst (modules.builtin,
modules.builtin.modinfo) and Documentation/admin-guide/module-signing.rst of Linux.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from bootworthy.errors import BuildError
from bootworthy.kernels.compression import unreadable, whole
from bootworthy.kernels.elf import Elf
from bootworthy.kernels.signature import Signature

Reader = Callable[[str], bytes | None]
"""Gives the content of a file by its path below the modules folder, or None when it is not there."""

_FILE = re.compile(r"\.ko(\.(gz|xz|zst))?$")
_LIMIT = 256 << 20


def module_name(path: str) -> str:
    """The name the kernel shows for a module's file; `-` and `_` are the same in it."""
    return _FILE.sub("", PurePosixPath(path).name).replace("-", "_")


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """What a module says of itself, in its `.modinfo` section."""

    name: str
    vermagic: str
    """Release and the options that must be those of the kernel."""
    depends: tuple[str, ...]
    aliases: tuple[str, ...]
    softdeps: tuple[str, ...]
    """As written: `pre: crc32c`."""
    signature: Signature | None
    """The one that is appended, if there is one."""
    machine: int
    """`e_machine` of its ELF header."""

    @property
    def signed(self) -> bool:
        """Whether a signature is appended."""
        return self.signature is not None

    @property
    def release(self) -> str:
        """The kernel release it was built for."""
        return self.vermagic.split(" ", 1)[0]

    @classmethod
    def parse(cls, data: bytes, *, where: str | None = None, limit: int = _LIMIT) -> Self:
        """Read a `.ko` file, compressed or not, of at most `limit` bytes.

        Raises:
            BuildError: `kernel.unreadable`.
        """
        data = whole(data, limit=limit, where=where)
        elf = Elf.parse(data, where=where)
        section = elf.section(b".modinfo")
        if section is None:
            raise unreadable("is no kernel module: it has no .modinfo section", where)
        fields: dict[str, list[str]] = {}
        for entry in section.split(b"\0"):
            key, separator, value = entry.decode(errors="replace").partition("=")
            if separator:
                fields.setdefault(key, []).append(value)

        def one(key: str) -> str:
            return fields.get(key, [""])[0]

        return cls(
            name=one("name") or module_name(where or ""),
            vermagic=one("vermagic"),
            depends=tuple(filter(None, one("depends").split(","))),
            aliases=tuple(fields.get("alias", ())),
            softdeps=tuple(fields.get("softdep", ())),
            signature=Signature.of(data, where=where),
            machine=elf.machine,
        )


class ModuleTree:
    """The modules of one kernel release: the folder that holds `modules.dep`."""

    __slots__ = ("_aliases", "_dependencies", "_paths", "_read", "_softdeps", "builtin")

    builtin: frozenset[str]
    """Names of what is part of the kernel itself, and its aliases."""

    def __init__(self, read: Reader) -> None:
        """Read the lists that `depmod` and the kernel's build left.

        Raises:
            BuildError: `kernel.no-modules-dep` when there is none, `kernel.unreadable` when it is damaged.
        """
        dep = read("modules.dep")
        if dep is None:
            raise BuildError(
                "kernel.no-modules-dep", "the modules have no modules.dep, so nobody can tell their order",
                where="modules.dep", hint="run depmod -b FOLDER RELEASE on them",
            )  # fmt: skip
        self._read = read
        self._dependencies = dict(_parse_dep(dep))
        self._paths = {module_name(path): path for path in self._dependencies}
        self.builtin = frozenset(_parse_builtin(read))
        self._softdeps = _grouped(_parse_softdep(read("modules.softdep") or b""))
        self._aliases = _grouped(_parse_alias(read("modules.alias") or b""))

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """The modules in a folder such as `/usr/lib/modules/RELEASE`.

        Raises:
            BuildError: as the constructor.
        """

        def read(path: str) -> bytes | None:
            file = folder / path
            return file.read_bytes() if file.is_file() else None

        return cls(read)

    def __contains__(self, name: str) -> bool:
        return name.replace("-", "_") in self._paths

    def __iter__(self) -> Iterator[str]:
        """The path of every module, in byte order."""
        return iter(sorted(self._dependencies))

    @property
    def needed(self) -> frozenset[str]:
        """The path of every module that another one needs."""
        return frozenset(path for needs in self._dependencies.values() for path in needs)

    def closure(self, names: Iterable[str], *, soft: bool = True) -> tuple[str, ...]:
        """Paths of everything that must be loaded for `names`, in the order to load it; nothing for what is built in.

        A line of modules.dep lists all a module needs, to be loaded from the last to the first. With `soft`, what a
        module would like to find loaded (`softdep ... pre:`) comes before it, where it exists; the kernel cannot ask
        for it itself where there is no modprobe. A name may be an alias without wildcards, such as `fs-ext4`.

        Raises:
            BuildError: `kernel.module-missing`, with the name.
        """
        order: dict[str, None] = {}
        for name in names:
            found = self._find(name)
            if found is None:
                raise self._missing(name)
            for path in found:
                self._place(path, order, soft=soft, trail=frozenset())
        return tuple(order)

    def content(self, path: str) -> bytes:
        """A module's file, decompressed: what a plain `insmod` can load.

        Raises:
            BuildError: `kernel.module-missing`, `kernel.unreadable`.
        """
        data = self._read(path)
        if data is None:
            raise BuildError(
                "kernel.module-missing", "modules.dep names this file, and it is not there", where=path,
                hint="run depmod again, or take modules and modules.dep from the same package",
            )  # fmt: skip
        return whole(data, limit=_LIMIT, where=path)

    def info(self, path: str) -> ModuleInfo:
        """What a module says of itself.

        Raises:
            BuildError: as `content`.
        """
        return ModuleInfo.parse(self.content(path), where=path)

    def _find(self, name: str) -> tuple[str, ...] | None:
        """Paths of the modules that a name or an alias stands for; none when built in; None when nobody knows it."""
        plain = name.replace("-", "_")
        if plain in self._paths:
            return (self._paths[plain],)
        if plain in self.builtin:
            return ()
        aliased = [self._paths[module] for module in self._aliases.get(plain, ()) if module in self._paths]
        return tuple(aliased) or None

    def _place(self, path: str, order: dict[str, None], *, soft: bool, trail: frozenset[str]) -> None:
        if path in trail:  # two modules that softly want each other
            return
        for needed in (*reversed(self._dependencies[path]), path):
            if needed in order:
                continue
            wanted = self._softdeps.get(module_name(needed), ()) if soft else ()
            for name in wanted:
                for other in self._find(name) or ():
                    self._place(other, order, soft=soft, trail=trail | {path})
            order.setdefault(needed)

    def _missing(self, name: str) -> BuildError:
        near = difflib.get_close_matches(name.replace("-", "_"), [*self._paths, *self.builtin], 1)
        return BuildError(
            "kernel.module-missing", f"the kernel has no module {name!r}, neither as a file nor built in",
            where="modules.dep",
            hint=f"did you mean {near[0]}?" if near else "use a kernel whose configuration has it",
        )  # fmt: skip


def _parse_dep(data: bytes) -> Iterator[tuple[str, tuple[str, ...]]]:
    for number, line in enumerate(data.decode(errors="surrogateescape").splitlines(), start=1):
        path, separator, needs = line.partition(":")
        if separator:
            yield path, tuple(needs.split())
        elif line.strip():
            raise unreadable(f"this is no line of modules.dep: {line[:80]!r}", f"modules.dep:{number}")


def _parse_builtin(read: Reader) -> Iterator[str]:
    for line in _lines(read("modules.builtin") or b""):
        yield module_name(line)
    for entry in (read("modules.builtin.modinfo") or b"").decode(errors="replace").split("\0"):
        key, _, value = entry.partition("=")
        name, _, field = key.partition(".")
        if field == "alias":
            yield value.replace("-", "_")
        elif field == "file":
            yield name.replace("-", "_")


def _parse_softdep(data: bytes) -> Iterator[tuple[str, str]]:
    for line in _lines(data):
        words = line.split()
        if len(words) < 3 or words[0] != "softdep":
            continue
        pre = False
        for word in words[2:]:
            if word in {"pre:", "post:"}:
                pre = word == "pre:"
            elif pre:
                yield words[1].replace("-", "_"), word


def _parse_alias(data: bytes) -> Iterator[tuple[str, str]]:
    for line in _lines(data):
        words = line.split()
        if len(words) == 3 and words[0] == "alias":
            yield words[1].replace("-", "_"), words[2].replace("-", "_")


def _lines(data: bytes) -> Iterator[str]:
    for line in data.decode(errors="replace").splitlines():
        if line.strip() and not line.startswith("#"):
            yield line.strip()


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}
