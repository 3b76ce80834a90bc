"""Kernels and modules made by code: the right headers around content that tests choose."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import sys
from collections.abc import Callable, Mapping, Sequence

import lz4.block  # type: ignore[import-untyped]

from bootworthy.kernels.compression import Compression

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

X86_64, AARCH64, RISCV = 62, 183, 243
BANNER = b"Linux version 6.1.0-56-made (who@where) (gcc 12) #1 SMP 2026\n\0"
PVH_NOTE = (b"Xen", 18, struct.pack("<Q", 0x1000000))

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SYMBOL = struct.Struct("<IBBHQQ")


def elf(
    body: bytes = BANNER, *, machine: int = X86_64, notes: Sequence[tuple[bytes, int, bytes]] = (),
    interpreter: bytes | None = None, sections: Mapping[bytes, bytes] | None = None, kind: int = 2,
) -> bytes:  # fmt: skip
    """An ELF file with `body` as its loaded segment."""
    packed = b"".join(
        struct.pack("<III", len(name) + 1, len(text), number) + _padded(name + b"\0") + _padded(text)
        for name, number, text in notes
    )
    parts = [(1, body), *([(4, packed)] if notes else []), *([(3, interpreter + b"\0")] if interpreter else [])]
    offset = _HEADER.size + 56 * len(parts)
    segments, content = b"", b""
    for number, part in parts:
        at = offset + len(content)
        segments += struct.pack("<IIQQQQQQ", number, 7, at, at, at, len(part), len(part), 4)
        content += _padded(part)
    table, sections_at, count = b"", 0, 0
    if sections is not None:
        table, extra, count = _sections(sections, offset + len(content))
        content += extra
        sections_at = offset + len(content)
    identity = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = _HEADER.pack(
        identity, kind, machine, 1, 0, 64, sections_at, 0, 64, 56, len(parts), 64, count, max(0, count - 1)
    )
    return header + segments + content + table


def _sections(sections: Mapping[bytes, bytes], start: int) -> tuple[bytes, bytes, int]:
    """Section headers, their content, and how many there are; the last one holds the names."""
    names = b"\0" + b"".join(name + b"\0" for name in (*sections, b".shstrtab"))
    order = [b"", *sections, b".shstrtab"]
    rows, content = b"", b""
    for name in order:
        data = names if name == b".shstrtab" else sections.get(name, b"")
        kind = {b"": 0, b".symtab": 2, b".strtab": 3, b".shstrtab": 3}.get(name, 1)
        link = order.index(b".strtab") if name == b".symtab" else 0
        size = _SYMBOL.size if name == b".symtab" else 0
        at = names.index(b"\0" + name + b"\0") + 1 if name else 0
        rows += struct.pack("<IIQQQQIIQQ", at, kind, 0, 0, start + len(content), len(data), link, 1, 8, size)
        content += _padded(data)
    return rows, content, len(order)


def module(
    name: str, *, release: str = "6.1.0-56-made", depends: Sequence[str] = (), exports: Sequence[str] = (),
    needs: Sequence[str] = (), fields: Sequence[str] = (), signed: bool = False,
) -> bytes:  # fmt: skip
    """A kernel module; `exports` and `needs` are the symbols that `depmod` joins modules by."""
    info = [f"name={name}", f"vermagic={release} SMP mod_unload ", f"depends={','.join(depends)}", *fields]
    strings, symbols = b"\0", _SYMBOL.pack(0, 0, 0, 0, 0, 0)
    for symbol in needs:
        symbols += _SYMBOL.pack(len(strings), 0x10, 0, 0, 0, 0)
        strings += symbol.encode() + b"\0"
    sections = {
        b".modinfo": b"".join(field.encode() + b"\0" for field in info),
        b"__ksymtab_strings": b"".join(symbol.encode() + b"\0" for symbol in exports),
        b".symtab": symbols,
        b".strtab": strings,
    }
    data = elf(b"", kind=1, sections=sections)
    if signed:
        signature = b"signature"
        data += signature + struct.pack(">BBBBB3xI", 0, 0, 2, 0, 0, len(signature)) + b"~Module signature appended~\n"
    return data


def bzimage(
    payload: bytes, *, banner: str = "6.1.0-56-made (who@where) #1 SMP 2026", protocol: int = 0x20F, flags: int = 1,
    sectors: int = 4,
) -> bytes:  # fmt: skip
    """A bzImage around what `packed` made, with some code before the payload and something behind it."""
    setup = bytearray((sectors + 1) * 512)
    setup[0x1F1] = sectors
    setup[0x1FE:0x200] = b"\x55\xaa"
    setup[0x202:0x206] = b"HdrS"
    text = banner.encode() + b"\0"
    struct.pack_into("<H", setup, 0x206, protocol)
    setup[0x211] = 1  # loaded high: what makes it a bzImage
    struct.pack_into("<H", setup, 0x20E, 0x300 if banner else 0)
    struct.pack_into("<H", setup, 0x236, flags)
    struct.pack_into("<II", setup, 0x248, 0x400, len(payload))
    setup[0x500 : 0x500 + len(text)] = text
    return bytes(setup) + b"\x90" * 0x400 + payload + b"code" * 16


def packed(compression: Compression, data: bytes) -> bytes:
    """`data` as the kernel's build compresses it: its length is behind it."""
    payload = COMPRESSORS[compression](data)
    return payload if compression is Compression.GZIP else payload + struct.pack("<I", len(data))


def _lz4(data: bytes) -> bytes:
    block = 8 << 20
    parts = [lz4.block.compress(data[at : at + block], store_size=False) for at in range(0, len(data), block)]
    return b"\x02\x21\x4c\x18" + b"".join(struct.pack("<I", len(part)) + part for part in parts)


def _xz(data: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    return lzma.compress(data, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=filters)


COMPRESSORS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: lambda data: gzip.compress(data, mtime=0),
    Compression.XZ: _xz,
    Compression.LZMA: lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    Compression.BZIP2: bz2.compress,
    Compression.ZSTD: zstd.compress,
    Compression.LZ4: _lz4,
}


def image(body: bytes = BANNER, *, flags: int = 0xA) -> bytes:
    """An aarch64 `Image`."""
    header = bytearray(64)
    struct.pack_into("<QQQ", header, 8, 0, 64 + len(body), flags)
    header[0x38:0x3C] = b"ARM\x64"
    return bytes(header) + body


def zboot(payload: bytes, kind: str, *, machine: int = 0xAA64) -> bytes:
    """An EFI zboot kernel around a compressed `Image`."""
    header = bytearray(0x80)
    header[:8] = b"MZ\0\0zimg"
    struct.pack_into("<II", header, 8, len(header), len(payload))
    header[0x18 : 0x18 + len(kind)] = kind.encode()
    struct.pack_into("<I", header, 0x3C, 0x40)
    header[0x40:0x46] = b"PE\0\0" + struct.pack("<H", machine)
    return bytes(header) + payload


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
