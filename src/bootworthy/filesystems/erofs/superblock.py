"""The superblock and the table of devices behind it (`struct erofs_super_block`, `struct erofs_deviceslot`)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

import google_crc32c

from bootworthy.layers.node import BLOCK

OFFSET = 1024
"""Bytes in front of it."""
_MAGIC = 0xE0F5E1E2
_SUPERBLOCK = struct.Struct("<IIIBBHQQIIII16s16sIHHHBBIQB23x")
_DEVICE = struct.Struct("<64sII56x")
_SB_CHKSUM, _MTIME = 1, 2
_CHUNKED_FILE, _DEVICE_TABLE = 4, 8
_FIRST_SLOT = (OFFSET + _SUPERBLOCK.size) // _DEVICE.size


@dataclass(frozen=True, slots=True)
class Device:
    """One more device that holds file data."""

    tag: str
    """At most 64 characters: the hex digits of a diffID."""
    blocks: int
    start: int
    """Where it begins when all devices lie one after the other in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superblock:
    """What a volume says of itself."""

    uuid: UUID
    label: str
    time: int
    """Seconds since 1970."""
    root: int
    """The nid of the root."""
    inodes: int
    blocks: int
    """Of the volume itself."""
    metadata: int
    """The block that nids count from."""
    chunked: bool
    devices: tuple[Device, ...]

    def pack(self) -> bytes:
        """The first blocks of the volume."""
        needed = (_CHUNKED_FILE if self.chunked else 0) | (_DEVICE_TABLE if self.devices else 0)
        packed = _SUPERBLOCK.pack(
            _MAGIC, 0, _SB_CHKSUM | _MTIME, BLOCK.bit_length() - 1, 0, self.root, self.inodes, self.time, 0,
            self.blocks, self.metadata, 0, self.uuid.bytes, self.label.encode(), needed, 0,
            len(self.devices), _FIRST_SLOT if self.devices else 0, 0, 0, 0, 0, 0,
        )  # fmt: skip
        table = b"".join(_DEVICE.pack(each.tag.encode()[:64], each.blocks, each.start) for each in self.devices)
        out = bytearray((bytes(OFFSET) + packed + table).ljust(head(len(self.devices)) * BLOCK, b"\0"))
        # the kernel starts from all ones and does not invert the result; the library inverts both
        struct.pack_into("<I", out, OFFSET + 4, google_crc32c.value(bytes(out[OFFSET:BLOCK])) ^ 0xFFFFFFFF)
        return bytes(out)


def head(devices: int) -> int:
    """Blocks that the superblock and a table of so many devices take."""
    return -(-(OFFSET + _SUPERBLOCK.size + devices * _DEVICE.size) // BLOCK)
