"""What compiles a kernel on this machine: compiler and linker for an architecture, and what the kernel's build calls.

Source: Documentation/process/changes.rst of Linux; the names are those of Debian's packages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import HostError
from bootworthy.host import processes, tools
from bootworthy.host.tools import Tool
from bootworthy.kernels.config import Config
from bootworthy.vocabulary import Architecture

_REASON = "compile a kernel"
_NAMES = {Architecture.X86_64: "x86_64", Architecture.AARCH64: "arm64"}
_ALWAYS = (
    Tool("gcc", "gcc libc6-dev", _REASON), Tool("make", "make", _REASON), Tool("bc", "bc", _REASON),
    Tool("bison", "bison", _REASON), Tool("flex", "flex", _REASON), Tool("perl", "perl-base", _REASON),
    tools.DEPMOD,
)  # fmt: skip
_PAHOLE = Tool("pahole", "dwarves", "write BTF into a kernel")
_TYPES = "DEBUG_INFO_BTF"


@dataclass(frozen=True, slots=True)
class _Header:
    """A C header that a configuration makes the build include."""

    name: str
    package: str
    symbols: tuple[str, ...]


_HEADERS = (
    _Header("gelf.h", "libelf-dev", ("OBJTOOL", "STACK_VALIDATION", _TYPES)),
    _Header("openssl/opensslv.h", "libssl-dev", ("SYSTEM_TRUSTED_KEYRING", "MODULE_SIG_FORMAT")),
)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """The compiler of an architecture, which may be another one than this machine's."""

    architecture: Architecture
    native: Architecture
    btf: bool = False
    """Whether the kernel will hold type information, which another program writes."""

    @property
    def prefix(self) -> str:
        """What the names of its programs begin with: `aarch64-linux-gnu-`."""
        return "" if self.architecture is self.native else f"{self.architecture}-linux-gnu-"

    @property
    def words(self) -> list[str]:
        """What `make` is told of it."""
        return [f"ARCH={_NAMES[self.architecture]}", *([f"CROSS_COMPILE={self.prefix}"] if self.prefix else [])]

    def program(self, name: str) -> Path:
        """One of its programs: `objcopy`.

        Raises:
            HostError: `tool.missing`.
        """
        return self._own(name).require()

    def require(self) -> None:
        """Do nothing where all programs are here.

        Raises:
            HostError: `tool.missing`, with all that are not.
        """
        _refuse(
            [(tool.name, tool.package) for tool in self._programs() if tool.find() is None],
            f"needed to compile a kernel for {self.architecture}",
        )

    def require_headers(self, config: Config) -> None:
        """Do nothing where this machine has the headers that a configuration makes the build include.

        Raises:
            HostError: `tool.missing`, with all that are not there.
        """
        wanted = [header for header in _HEADERS if any(config.builtin(symbol) for symbol in header.symbols)]
        _refuse(
            [(header.name, header.package) for header in wanted if not _included(header.name)],
            "included by the build of a kernel with this configuration",
        )

    def versions(self) -> Mapping[str, str]:
        """Versions of the programs that change bytes.

        Raises:
            HostError: `tool.missing`, with all that are not here.
        """
        self.require()
        named = {"gcc": self._own("gcc"), "binutils": self._own("ld"), "depmod": tools.DEPMOD}
        if self.btf:
            named["pahole"] = _PAHOLE
        return {name: _version(tool) for name, tool in named.items()}

    def _programs(self) -> Iterable[Tool]:
        btf = (_PAHOLE,) if self.btf else ()
        return (*_ALWAYS, *btf, *(self._own(name) for name in ("gcc", "ld", "objcopy", "strip")))

    def _own(self, name: str) -> Tool:
        package = "gcc" if name == "gcc" else "binutils"
        suffix = f"-{self.prefix.removesuffix('-').replace('_', '-')}" if self.prefix else ""
        return Tool(f"{self.prefix}{name}", f"{package}{suffix}", _REASON)


def chosen(architecture: Architecture, symbols: Iterable[str]) -> Toolchain:
    """The toolchain for an architecture and what a kernel is asked to have, on this machine."""
    return Toolchain(architecture, Architecture.native(), _TYPES in set(symbols))


def processors() -> int:
    """How many may compile at once."""
    return len(os.sched_getaffinity(0))


def _refuse(missing: Iterable[tuple[str, str]], why: str) -> None:
    found = dict.fromkeys(missing)
    if found:
        packages = " ".join(dict.fromkeys(word for _, package in found for word in package.split()))
        raise HostError(
            "tool.missing", f"could not find {', '.join(name for name, _ in found)}, {why}",
            hint=f"apt-get install {packages}",
        )  # fmt: skip


def _included(header: str) -> bool:
    text = f"#include <{header}>\n".encode()
    return processes.run(["gcc", "-E", "-x", "c", "-"], data=text, timeout=60, check=False).status == 0


def _version(tool: Tool) -> str:
    """Its first line, which says which build of a distribution it is."""
    return processes.run([tool.require(), "--version"], timeout=30).text.partition("\n")[0].strip()
