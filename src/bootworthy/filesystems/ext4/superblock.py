"""The superblock and its features (ext4: Super Block)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bootworthy.filesystems.ext4 import checksum
from bootworthy.filesystems.ext4.geometry import DESCRIPTOR, FLEX, GROUP, Geometry
from bootworthy.filesystems.ext4.inode import FIRST, JOURNAL, LOST_AND_FOUND, SIZE
from bootworthy.filesystems.ext4.options import Options

OFFSET = 1024
"""Bytes in front of the first superblock."""
_HAS_JOURNAL, _EXT_ATTR, _DIR_INDEX = 0x4, 0x8, 0x20
_FILETYPE, _EXTENTS, _64BIT, _FLEX_BG = 0x2, 0x40, 0x80, 0x200
_SPARSE_SUPER, _LARGE_FILE, _HUGE_FILE, _DIR_NLINK, _EXTRA_ISIZE, _METADATA_CSUM = 0x1, 0x2, 0x8, 0x20, 0x40, 0x400
_ACL_AND_XATTR = 0x0C
_UNSIGNED_HASH = 2
_CRC32C = 1


@dataclass(frozen=True, slots=True)
class Superblock:
    """What the copies of a superblock have in common."""

    options: Options
    geometry: Geometry
    free_blocks: int
    free_inodes: int
    journal: bytes
    """Block map and sizes of the journal, 68 bytes; empty without one."""

    def pack(self, group: int) -> bytes:
        """The copy at the start of a group, 1024 bytes."""
        options, geometry = self.options, self.geometry
        out = bytearray(1024)

        def put(offset: int, form: str, *values: int | bytes) -> None:
            struct.pack_into("<" + form, out, offset, *values)

        put(0x00, "IIIII", geometry.inodes, geometry.blocks & 0xFFFFFFFF, 0, self.free_blocks & 0xFFFFFFFF,
            self.free_inodes)  # fmt: skip
        put(0x14, "IIIIII", 0, 2, 2, GROUP, GROUP, geometry.inodes_per_group)
        put(0x30, "IHHHHH", options.time, 0, 0xFFFF, 0xEF53, 1, 1)
        put(0x40, "III", options.time, 0, 0)
        put(0x4C, "I", 1)
        put(0x54, "IHH", FIRST, SIZE, group)
        put(0x5C, "III", *self._features())
        put(0x68, "16s16s", options.uuid.bytes, options.label.encode())
        if self.journal:
            put(0xE0, "I", JOURNAL)
            put(0xFD, "B", 1)
            put(0x10C, "68s", self.journal)
        put(0xEC, "16sB", options.hash_seed, 1)
        put(0xFE, "HI", DESCRIPTOR, _ACL_AND_XATTR)
        put(0x108, "I", options.time)
        put(0x150, "III", geometry.blocks >> 32, 0, self.free_blocks >> 32)
        put(0x15C, "HHI", 32, 32, _UNSIGNED_HASH)
        put(0x174, "B", FLEX.bit_length() - 1)
        put(0x268, "I", LOST_AND_FOUND)
        if options.profile.checksums:
            put(0x175, "B", _CRC32C)
            put(0x3FC, "I", checksum.plain(bytes(out[:0x3FC])))
        return bytes(out)

    def _features(self) -> tuple[int, int, int]:
        compatible = _EXT_ATTR | _DIR_INDEX | (_HAS_JOURNAL if self.journal else 0)
        incompatible = _FILETYPE | _EXTENTS | _64BIT | _FLEX_BG
        read_only = _SPARSE_SUPER | _LARGE_FILE | _HUGE_FILE | _DIR_NLINK | _EXTRA_ISIZE
        return compatible, incompatible, read_only | (_METADATA_CSUM if self.options.profile.checksums else 0)
