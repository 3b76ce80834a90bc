"""A kernel as somebody has it: what it is, how it was configured, and where that was found.

Source: scripts/extract-ikconfig of Linux; the first lines that Kconfig writes into a `.config`
(scripts/kconfig/confdata.c).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bootworthy.errors import BuildError
from bootworthy.kernels import formats
from bootworthy.kernels.compression import Compression, whole
from bootworthy.kernels.config import Config
from bootworthy.kernels.extract import unpacked
from bootworthy.kernels.formats import KernelInfo
from bootworthy.vocabulary import Architecture

_LIMIT = 16 << 20
_HEAD = 64 << 10
_LINE = re.compile(rb"^(?:# )?CONFIG_\w+(?:=| is not set)", re.MULTILINE)
_TITLE = re.compile(r"^# Linux/(\w+) (\d\S{0,99}) Kernel Configuration$", re.MULTILINE)
_ARCHITECTURES = {
    "x86": Architecture.X86_64, "x86_64": Architecture.X86_64, "arm64": Architecture.AARCH64,
}  # fmt: skip

Beside = Callable[[str | None], Iterable[tuple[str, bytes | None]]]
"""Places where the configuration of a kernel of some release may lie, with what is there."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of a kernel."""

    where: str
    info: KernelInfo | None
    """None for a configuration without a kernel."""
    architecture: Architecture | None
    release: str | None
    config: Config | None
    config_where: str | None
    """Where it was found."""
    looked: tuple[str, ...] = ()
    """Where it was looked for, and is not."""


def configuration(data: bytes) -> bytes | None:
    """The text of a configuration that stands alone, as `.config` or as `/proc/config.gz`; None when it is none."""
    if Compression.of(data) is Compression.GZIP:
        try:
            data = whole(data, limit=_LIMIT)
        except BuildError:
            # A kernel, or damaged: who reads it as a kernel says so.
            return None
    head = data[:_HEAD]
    return data if b"\0" not in head and _LINE.search(head) else None


def of_configuration(text: bytes, where: str) -> Sight:
    """What a configuration says without its kernel.

    Raises:
        BuildError: `kernel.config`, with the line.
    """
    plain = text.decode(errors="replace")
    title = _TITLE.search(plain[:_HEAD])
    architecture = _ARCHITECTURES.get(title[1]) if title else None
    return Sight(where, None, architecture, title[2] if title else None, Config.parse(plain, where=where), where)


def of_kernel(data: bytes, where: str, beside: Beside) -> Sight:
    """What a kernel says of itself, with the configuration inside it, or else the first one beside it.

    Raises:
        BuildError: as `formats.identify`; `kernel.config` for a configuration that is none.
    """
    info = formats.identify(data, where=where)
    looked = [f"{where} (CONFIG_IKCONFIG)"]
    try:
        inside = Config.embedded(unpacked(data, where=where), where=where)
    except BuildError as fault:
        inside, looked = None, [f"{where}, which {fault.message}"]
    if inside is not None:
        return Sight(where, info, info.architecture, info.release, inside, looked[0])
    for place, content in beside(info.release):
        if content is not None:
            text = whole(content, limit=_LIMIT, where=place).decode(errors="replace")
            config = Config.parse(text, where=place)
            return Sight(where, info, info.architecture, info.release, config, place)
        looked.append(place)
    return Sight(where, info, info.architecture, info.release, None, None, tuple(looked))
