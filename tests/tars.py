"""Tars made block by block, so that what no writer writes can be tried."""

from __future__ import annotations

from bootworthy.layers.pax import record

__all__ = ["END", "block", "extended", "padded", "record"]

END = bytes(1024)


def block(
    name: bytes = b"file", *, mode: bytes = b"0000644", uid: bytes = b"0000000", gid: bytes = b"0000000",
    size: bytes = b"00000000000", mtime: bytes = b"00000000000", flag: bytes = b"0", target: bytes = b"",
    magic: bytes = b"ustar\x0000", prefix: bytes = b"", signed: bool = False, checksum: bytes | None = None,
    major: bytes = b"", minor: bytes = b"",
) -> bytes:  # fmt: skip
    """A header, field by field, so that what no writer writes can be tried."""
    fields = [
        name.ljust(100, b"\0"), mode.ljust(8, b"\0"), uid.ljust(8, b"\0"), gid.ljust(8, b"\0"), size.ljust(12, b"\0"),
        mtime.ljust(12, b"\0"), b" " * 8, flag, target.ljust(100, b"\0"), magic.ljust(8, b"\0"), bytes(64),
        major.ljust(8, b"\0"), minor.ljust(8, b"\0"), prefix.ljust(167, b"\0"),
    ]  # fmt: skip
    header = bytearray().join(fields)
    total = sum(byte - 256 if signed and byte > 127 else byte for byte in header)
    header[148:156] = (b"%06o\0 " % total if checksum is None else checksum).ljust(8, b"\0")
    return bytes(header)


def extended(content: bytes, flag: bytes = b"x") -> bytes:
    """A header that speaks of the next member."""
    return block(b"extended", flag=flag, size=b"%011o" % len(content)) + content + bytes(-len(content) % 512)


def padded(content: bytes) -> bytes:
    """Data up to the next block."""
    return content + bytes(-len(content) % 512)
