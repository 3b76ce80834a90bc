"""What a kernel file is: its format, architecture, release and compression, told from its bytes alone.

Sources, all of Linux: Documentation/arch/x86/boot.rst (bzImage), Documentation/arch/arm64/booting.rst (Image),
drivers/firmware/efi/libstub/zboot-header.S (EFI zboot); Xen's public/elfnote.h and the PVH boot ABI (PVH).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from bootworthy.errors import BuildError
from bootworthy.kernels.compression import LIMIT, Compression, beginning, unreadable, whole
from bootworthy.kernels.compression import decompress as _decompress
from bootworthy.kernels.elf import MACHINE_AARCH64, MACHINE_X86_64, Elf
from bootworthy.kernels.elf import MAGIC as ELF_MAGIC
from bootworthy.machines.facts import KernelFormat
from bootworthy.vocabulary import Architecture

_XEN_PHYS32_ENTRY = 18
_BANNER = re.compile(rb"Linux version (\d[^\s\0]{0,199}) \([^\0\n]{0,1000}")
_IMAGE_MAGIC = b"ARM\x64"
_IMAGE_MAGIC_AT = 0x38
_IMAGE_HEAD = 64
_ZBOOT_TYPES = {"gzip": Compression.GZIP, "zstd22": Compression.ZSTD, "zstd": Compression.ZSTD}
_PE_MACHINES = {0x8664: Architecture.X86_64, 0xAA64: Architecture.AARCH64}
_ELF_MACHINES = {MACHINE_X86_64: Architecture.X86_64, MACHINE_AARCH64: Architecture.AARCH64}


class Format(StrEnum):
    """The form of a kernel file."""

    ELF = "elf"
    """`vmlinux` without the PVH note."""
    PVH = "pvh"
    """`vmlinux` with the PVH note."""
    BZIMAGE = "bzimage"
    """x86: a setup header, and `vmlinux` compressed."""
    IMAGE = "image"
    """aarch64: `Image`."""
    IMAGE_COMPRESSED = "image-compressed"
    """aarch64: `Image.gz` and its kin, which a boot loader has to unpack."""
    ZBOOT = "zboot"
    """aarch64: an EFI program that holds `Image` compressed."""

    @property
    def boots_as(self) -> KernelFormat | None:
        """What a VMM calls it; None when it must be unpacked first."""
        return KernelFormat(self.value) if self.value in set(KernelFormat) else None


@dataclass(frozen=True, slots=True)
class KernelInfo:
    """What a kernel file says of itself."""

    format: Format
    architecture: Architecture
    release: str | None
    """As `uname -r` will show it; None when the file does not say."""
    banner: str | None
    """Release, who built it, and when."""
    compression: Compression | None
    """How the kernel proper is compressed inside the file."""


def identify(data: bytes, *, where: str | None = None) -> KernelInfo:
    """Tell what kernel `data` is. Compressed aarch64 kernels are unpacked to find their release.

    Raises:
        BuildError: `kernel.unreadable` when it is none we know, or damaged; `kernel.architecture` when it is for
            another architecture than x86_64 and aarch64.
    """
    if data.startswith(ELF_MAGIC):
        return _elf(data, where)
    if BzImage.is_one(data):
        return _bzimage(data, where)
    if Zboot.is_one(data):
        zboot = Zboot.parse(data, where=where)
        inner = _image(zboot.content(where=where), where)
        return KernelInfo(Format.ZBOOT, inner.architecture, inner.release, inner.banner, zboot.compression)
    if data[_IMAGE_MAGIC_AT : _IMAGE_MAGIC_AT + 4] == _IMAGE_MAGIC:
        return _image(data, where)
    compression = Compression.of(data)
    if compression is not None:
        inner = _image(whole(data, limit=_unpacked_size(data, where), where=where), where)
        return KernelInfo(Format.IMAGE_COMPRESSED, inner.architecture, inner.release, inner.banner, compression)
    starts = data[:8].hex(" ") or "nothing"
    raise unreadable(f"is no Linux kernel we know (vmlinux, bzImage, Image, EFI zboot); it starts with {starts}", where)


@dataclass(frozen=True, slots=True)
class BzImage:
    """The parts of an x86 setup header that say where the kernel proper is."""

    protocol: int
    banner: str | None
    payload: slice
    """Where the compressed `vmlinux` lies in the file."""

    @staticmethod
    def is_one(data: bytes) -> bool:
        """Whether `data` has the setup header's magic."""
        return data[0x202:0x206] == b"HdrS"

    @classmethod
    def parse(cls, data: bytes, *, where: str | None = None) -> Self:
        """Read the header of a 64-bit kernel, boot protocol 2.12 (Linux 3.8) or later.

        Raises:
            BuildError: `kernel.unreadable`; `kernel.architecture` for a 32-bit kernel.
        """
        if len(data) < 0x250:
            raise unreadable("its setup header is cut off", where)
        (protocol,) = struct.unpack_from("<H", data, 0x206)
        if protocol < 0x20C:
            version = f"{protocol >> 8}.{protocol & 0xFF:02}"
            raise unreadable(f"its boot protocol {version} is older than 2.12 (Linux 3.8)", where)
        (flags,) = struct.unpack_from("<H", data, 0x236)
        if not flags & 1:  # XLF_KERNEL_64
            raise _foreign("a 32-bit x86 kernel", where)
        start, length = struct.unpack_from("<II", data, 0x248)
        start += ((data[0x1F1] or 4) + 1) * 512
        if length < 4 or start + length > len(data):
            raise unreadable("the compressed kernel inside it is cut off", where)
        return cls(protocol, _version(data), slice(start, start + length))


def _version(data: bytes) -> str | None:
    (pointer,) = struct.unpack_from("<H", data, 0x20E)
    if pointer == 0:
        return None
    text = data[pointer + 0x200 :][:1024].split(b"\0", 1)[0]
    return text.decode(errors="replace").strip() or None


@dataclass(frozen=True, slots=True)
class Zboot:
    """An EFI program that carries a compressed kernel."""

    compression: Compression
    payload: bytes

    @staticmethod
    def is_one(data: bytes) -> bool:
        """Whether `data` has the magic of EFI zboot."""
        return data[:2] == b"MZ" and data[4:8] == b"zimg"

    @classmethod
    def parse(cls, data: bytes, *, where: str | None = None) -> Self:
        """Read the header of an aarch64 kernel.

        Raises:
            BuildError: `kernel.unreadable`; `kernel.architecture`.
        """
        if len(data) < 0x40:
            raise unreadable("its zboot header is cut off", where)
        start, length = struct.unpack_from("<II", data, 8)
        kind = data[0x18:0x38].split(b"\0", 1)[0].decode(errors="replace")
        (header,) = struct.unpack_from("<I", data, 0x3C)
        machine = int.from_bytes(data[header + 4 : header + 6], "little")
        if _PE_MACHINES.get(machine) is not Architecture.AARCH64:
            raise _foreign(f"an EFI zboot kernel for PE machine {machine:#x}", where)
        payload = data[start : start + length]
        compression = _ZBOOT_TYPES.get(kind) or Compression.of(payload)
        if len(payload) < length or compression is None or compression is not Compression.of(payload):
            raise unreadable(f"the kernel inside it is cut off, or not compressed with {kind or 'anything'}", where)
        return cls(compression, payload)

    def content(self, *, where: str | None = None) -> bytes:
        """The `Image` inside.

        Raises:
            BuildError: `kernel.unreadable`.
        """
        content, rest = _decompress(self.payload, where=where)
        # All but gzip have the unpacked length appended; whether the header counts it in changed over time.
        if rest not in {b"", struct.pack("<I", len(content))}:
            raise unreadable(f"{len(rest)} bytes follow its compressed kernel", where)
        return content


def _elf(data: bytes, where: str | None) -> KernelInfo:
    elf = Elf.parse(data, where=where)
    if elf.cut:
        raise unreadable("is cut off: it is shorter than its segments", where)
    architecture = _ELF_MACHINES.get(elf.machine)
    if architecture is None:
        raise _foreign(f"an ELF file for machine {elf.machine}", where)
    pvh = any(note.name == b"Xen" and note.type == _XEN_PHYS32_ENTRY for note in elf.notes())
    banner = _BANNER.search(data)
    if banner is None and not elf.segments:
        raise unreadable("is an ELF file, but no kernel", where)
    return KernelInfo(Format.PVH if pvh else Format.ELF, architecture, *_said(banner), None)


def _bzimage(data: bytes, where: str | None) -> KernelInfo:
    header = BzImage.parse(data, where=where)
    release = header.banner.split(" ", 1)[0] if header.banner else None
    compression = Compression.of(data[header.payload.start : header.payload.start + 16])
    return KernelInfo(Format.BZIMAGE, Architecture.X86_64, release, header.banner, compression)


def _image(data: bytes, where: str | None) -> KernelInfo:
    if data[_IMAGE_MAGIC_AT : _IMAGE_MAGIC_AT + 4] != _IMAGE_MAGIC:
        raise unreadable("holds no aarch64 kernel Image", where)
    if data[24] & 1:
        raise _foreign("a big-endian aarch64 kernel", where)
    return KernelInfo(Format.IMAGE, Architecture.AARCH64, *_said(_BANNER.search(data)), None)


def _unpacked_size(data: bytes, where: str | None) -> int:
    """The most bytes that a compressed `Image` may have: it says how much memory it takes, if Linux 3.17 or later.

    What is compressed and no `Image` is refused here, before more of it is unpacked.
    """
    head = beginning(data, _IMAGE_HEAD, where=where)
    if head[_IMAGE_MAGIC_AT : _IMAGE_MAGIC_AT + 4] != _IMAGE_MAGIC:
        raise unreadable("holds no aarch64 kernel Image", where)
    return min(int.from_bytes(head[16:24], "little") or LIMIT, LIMIT)


def _said(banner: re.Match[bytes] | None) -> tuple[str | None, str | None]:
    if banner is None:
        return None, None
    return banner[1].decode(errors="replace"), banner[0].removeprefix(b"Linux version ").decode(errors="replace")


def _foreign(what: str, where: str | None) -> BuildError:
    return BuildError("kernel.architecture", f"is {what}", where=where, hint="use a kernel built for x86_64 or aarch64")
