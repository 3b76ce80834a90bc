"""A kernel's configuration: what `.config` says, symbol by symbol.

Source: Documentation/kbuild/kconfig.rst and scripts/extract-ikconfig (the marks around an embedded one) of Linux.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Self

from bootworthy.errors import BuildError
from bootworthy.kernels.compression import decompress

_SET = re.compile(r"CONFIG_(\w+)=(.*)")
_UNSET = re.compile(r"# CONFIG_(\w+) is not set")
_START, _END = b"IKCFG_ST", b"IKCFG_ED"
_LIMIT = 16 << 20


class Config(Mapping[str, str]):
    """Symbols and their values: `y`, `m`, `n` for what is not set, numbers as written, strings without quotes.

    Symbols are asked for with or without `CONFIG_`; one the configuration does not know is not in the mapping.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {symbol.removeprefix("CONFIG_"): value for symbol, value in values.items()}

    @classmethod
    def parse(cls, text: str, *, where: str = "kernel configuration") -> Self:
        """Read a `.config` file.

        Raises:
            BuildError: `kernel.config`, with the line.
        """
        values: dict[str, str] = {}
        for number, raw in enumerate(text.splitlines(), start=1):
            line = raw.strip()
            if match := _SET.fullmatch(line):
                values[match[1]] = _plain(match[2])
            elif match := _UNSET.fullmatch(line):
                values[match[1]] = "n"
            elif line and not line.startswith("#"):
                raise BuildError(
                    "kernel.config", f"this is no line of a kernel configuration: {line[:80]!r}",
                    where=f"{where}:{number}", hint="give the config file that the kernel was built with",
                )  # fmt: skip
        return cls(values)

    @classmethod
    def embedded(cls, kernel: bytes, *, where: str | None = None) -> Self | None:
        """The configuration that an unpacked kernel built with CONFIG_IKCONFIG carries, or None.

        Raises:
            BuildError: `kernel.unreadable` or `kernel.config` when it is damaged.
        """
        start = kernel.find(_START + b"\x1f\x8b")
        if start < 0:
            return None
        start += len(_START)
        end = kernel.find(_END, start)
        content, _ = decompress(kernel[start : end if end >= 0 else len(kernel)], limit=_LIMIT, where=where)
        return cls.parse(content.decode(errors="replace"), where=where or "embedded kernel configuration")

    def __getitem__(self, symbol: str) -> str:
        return self._values[symbol.removeprefix("CONFIG_")]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def builtin(self, symbol: str) -> bool:
        """Whether a symbol is `y`."""
        return self.get(symbol) == "y"

    def module(self, symbol: str) -> bool:
        """Whether a symbol is `m`."""
        return self.get(symbol) == "m"

    def enabled(self, symbol: str) -> bool:
        """Whether a symbol is `y` or `m`."""
        return self.get(symbol) in {"y", "m"}


def _plain(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value
