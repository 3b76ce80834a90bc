"""The kernel proper, taken out of the file a distribution ships it in.

Source: Documentation/arch/x86/boot.rst of Linux, `payload_offset` and `payload_length`.
"""

from __future__ import annotations

from bootworthy.kernels import formats
from bootworthy.kernels.compression import LIMIT, Compression, decompress, unreadable, whole
from bootworthy.kernels.elf import MAGIC, Elf
from bootworthy.kernels.formats import BzImage, Format, Zboot


def unpacked(data: bytes, *, where: str | None = None) -> bytes:
    """The form every VMM takes: an ELF `vmlinux` on x86_64, an `Image` on aarch64. What is that already stays as it is.

    Raises:
        BuildError: `kernel.unreadable`, `kernel.architecture`, `kernel.lzo`.
    """
    info = formats.identify(data, where=where)
    if info.format is Format.BZIMAGE:
        return vmlinux(data, where=where)
    if info.format is Format.ZBOOT:
        return Zboot.parse(data, where=where).content(where=where)
    if info.format is Format.IMAGE_COMPRESSED:
        return whole(data, where=where)
    return data


def vmlinux(bzimage: bytes, *, where: str | None = None) -> bytes:
    """The ELF kernel inside a bzImage, whatever compressed it; all of what was compressed, byte for byte.

    A relocatable kernel has its relocation table behind the ELF file; loaders pass over it, and it is kept.

    Raises:
        BuildError: `kernel.unreadable` when it is no bzImage or damaged, `kernel.architecture` when it is not for
            x86_64, `kernel.lzo` when it is compressed with LZO.
    """
    if not BzImage.is_one(bzimage):
        raise unreadable("is no bzImage", where)
    payload = bzimage[BzImage.parse(bzimage, where=where).payload]
    # The last four bytes are the unpacked length: gzip ends so, and the build appends it for the others.
    size = int.from_bytes(payload[-4:], "little")
    if Compression.of(payload) is not Compression.LZO and size > LIMIT:
        raise unreadable(f"the kernel inside it claims to be {size} bytes", where)
    content, rest = decompress(payload, limit=size, where=where)
    expected = b"" if Compression.of(payload) is Compression.GZIP else payload[-4:]
    if len(content) != size or rest != expected:
        raise unreadable(f"the kernel inside it is {len(content)} bytes, and should be {size}", where)
    if not content.startswith(MAGIC):
        raise unreadable("it holds no ELF kernel", where)
    Elf.parse(content, where=where)
    return content
