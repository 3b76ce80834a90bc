"""The kernel in an image: where it is, what it says of itself, and the configuration beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bootworthy.checks.part import Part
from bootworthy.errors import BuildError
from bootworthy.kernels import formats
from bootworthy.kernels.compression import Compression
from bootworthy.kernels.config import Config
from bootworthy.kernels.extract import unpacked
from bootworthy.kernels.formats import Format, KernelInfo

# The first is ours. `vmlinux.bin`, `image` and files at the top are what kernel images of Liquid Metal have.
_NAMES = (
    b"boot/vmlinux", b"boot/vmlinux.bin", b"boot/Image", b"boot/image", b"boot/vmlinuz",
    b"vmlinuz", b"vmlinux", b"vmlinux.bin", b"Image",
)  # fmt: skip
_VERSIONED = re.compile(rb"(?:vmlinu[xz]|Image)-\d[^/]*")
_BESIDE = (b".hmac", b".sig", b".gz.asc", b".old")
KERNEL_LIMIT = 512 << 20
"""Bytes: nothing larger is a kernel."""
CONFIG_LIMIT = 4 << 20
"""Bytes: nothing larger is a configuration."""
_BARE = {Format.ELF, Format.PVH, Format.IMAGE}
_QUICK = {Compression.GZIP, Compression.LZ4, Compression.ZSTD}


@dataclass(frozen=True, slots=True, eq=False)
class KernelFile:
    """A kernel in an image. One of `info` and `fault` is None."""

    part: Part
    path: bytes
    info: KernelInfo | None
    fault: BuildError | None
    """Why it cannot be read."""
    config: Config | None = None
    """The configuration it was built with, if the image has it."""
    config_fault: BuildError | None = None
    """Why the configuration that is there cannot be read."""

    @property
    def where(self) -> str:
        """The place, for people."""
        return self.part.at(self.path)

    @property
    def release(self) -> str | None:
        """As `uname -r` will show it, if the file says so."""
        return None if self.info is None else self.info.release


def locate(part: Part) -> bytes | None:
    """The path of the kernel in an image: by its plain name, else the newest with a release in its name."""
    for name in _NAMES:
        if part.file(name) is not None:
            return name
    boot = part.folder(b"boot")
    names = [] if boot is None else [name for name in boot.children if _versioned(name)]
    paths = [b"boot/" + name for name in sorted(names, key=natural, reverse=True)]
    return next((path for path in paths if part.file(path) is not None), None)


def read(part: Part) -> KernelFile | None:
    """The kernel of an image; None when it has none."""
    path = locate(part)
    if path is None:
        return None
    try:
        data = part.read(path, KERNEL_LIMIT) or b""
        info = formats.identify(data)
    except BuildError as fault:
        return KernelFile(part, path, None, fault)
    try:
        config = _config(part, info)
    except BuildError as fault:
        return KernelFile(part, path, info, None, None, fault)
    return KernelFile(part, path, info, None, config) if config is not None else _embedding(part, path, info, data)


def natural(name: bytes) -> tuple[tuple[int, int, bytes], ...]:
    """A key that sorts `6.10` behind `6.9`."""
    return tuple((1, int(run), b"") if run.isdigit() else (0, 0, run) for run in re.findall(rb"\d{1,18}|\D+", name))


def _versioned(name: bytes) -> bool:
    return _VERSIONED.fullmatch(name) is not None and not name.endswith(_BESIDE)


def _config(part: Part, info: KernelInfo) -> Config | None:
    path = _config_path(part, info.release)
    if path is None:
        return None
    text = part.read(path, CONFIG_LIMIT) or b""
    return Config.parse(text.decode(errors="replace"), where=part.at(path))


def _embedding(part: Part, path: bytes, info: KernelInfo, data: bytes) -> KernelFile:
    """A kernel with the configuration it may carry. What is slow to unpack is more than a check should do."""
    if info.format not in _BARE and info.compression not in _QUICK:
        return KernelFile(part, path, info, None)
    try:
        kernel = data if info.format in _BARE else unpacked(data)
    except BuildError as fault:
        return KernelFile(part, path, None, fault)
    try:
        return KernelFile(part, path, info, None, Config.embedded(kernel))
    except BuildError as fault:
        return KernelFile(part, path, info, None, None, fault)


def _config_path(part: Part, release: str | None) -> bytes | None:
    return next((path for path in config_paths(part, release) if part.file(path) is not None), None)


def config_paths(part: Part, release: str | None) -> list[bytes]:
    """Where an image may have the configuration of its kernel, of that release or of an unknown one; the likeliest
    first.
    """
    if release is not None:
        name = release.encode(errors="replace")
        return [b"boot/config-" + name, b"config-" + name, b"usr/lib/modules/" + name + b"/config", b"boot/config"]
    boot = part.folder(b"boot")
    found = [] if boot is None else sorted(name for name in boot.children if name.startswith(b"config-"))
    # Several, and no release: nobody can tell which is the kernel's.
    return [b"boot/" + name for name in found] if len(found) == 1 else [b"boot/config"]
