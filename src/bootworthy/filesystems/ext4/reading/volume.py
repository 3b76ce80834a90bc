"""The file of a volume: its superblock, group descriptors and blocks (ext4: Super Block, Block Group Descriptors)."""

from __future__ import annotations

import os
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path

from bootworthy.filesystems.ext4 import checksum
from bootworthy.filesystems.ext4.checksum import Checksums
from bootworthy.filesystems.ext4.geometry import backup_groups
from bootworthy.filesystems.ext4.reading.fault import unreadable
from bootworthy.filesystems.ext4.superblock import OFFSET

MAGIC = b"\x53\xef"
MAGIC_AT = OFFSET + 0x38
_SIZE = 1024
_WINDOW = 256 * 1024
"""Bytes of an inode table that are read at once."""
_WINDOWS = 128
_CHECKSUM = 0x1E
"""Of a descriptor."""
_TABLE = struct.Struct("<I")


class Incompatible(IntFlag):
    """What a reader must know of, or leave the volume alone."""

    COMPRESSION = 0x1
    FILETYPE = 0x2
    RECOVER = 0x4
    JOURNAL_DEV = 0x8
    META_BG = 0x10
    EXTENTS = 0x40
    BIT64 = 0x80
    MMP = 0x100
    FLEX_BG = 0x200
    EA_INODE = 0x400
    DIRDATA = 0x1000
    CSUM_SEED = 0x2000
    LARGEDIR = 0x4000
    INLINE_DATA = 0x8000
    ENCRYPT = 0x10000
    CASEFOLD = 0x20000


_READ = (
    Incompatible.FILETYPE | Incompatible.META_BG | Incompatible.EXTENTS | Incompatible.BIT64 | Incompatible.MMP
    | Incompatible.FLEX_BG | Incompatible.EA_INODE | Incompatible.CSUM_SEED | Incompatible.LARGEDIR
    | Incompatible.INLINE_DATA | Incompatible.ENCRYPT | Incompatible.CASEFOLD
)  # fmt: skip
"""Of some of these it is the inode that uses them that is refused."""
_SPARSE_SUPER, _METADATA_CSUM = 0x1, 0x400
_SPARSE_SUPER2 = 0x200


@dataclass(frozen=True, slots=True)
class Superblock:
    """What the superblock says of the rest."""

    block: int
    """Bytes of a block."""
    blocks: int
    first_block: int
    """Of the first group: with blocks of 1 KiB the superblock is in the second one, which may be the first group's."""
    group_blocks: int
    inodes: int
    group_inodes: int
    inode_size: int
    descriptor: int
    """Bytes of a group descriptor."""
    incompatible: Incompatible
    first_meta: int
    """The first block of descriptors that lies with the groups it describes."""
    supers: Callable[[int], bool]
    """Whether a group begins with a superblock."""
    sums: Checksums | None
    """None where metadata has no checksums."""

    @classmethod
    def parse(cls, raw: bytes, size: int, where: str) -> Superblock:
        """Read the 1024 bytes of it; `size` is that of the file.

        Raises:
            IntegrityError: `ext4.unreadable`.
        """

        def at(offset: int, form: str = "I") -> int:
            return int(struct.unpack_from("<" + form, raw, offset)[0])

        if len(raw) < _SIZE or raw[0x38:0x3A] != MAGIC:
            raise unreadable("is no ext4 volume", where, hint="give the file of an ext4 filesystem")
        incompatible = Incompatible(at(0x60))
        _knows(incompatible, where)
        read_only = at(0x64)
        summed = bool(read_only & _METADATA_CSUM)
        if summed and checksum.plain(raw[:0x3FC]) != at(0x3FC):
            raise unreadable("the checksum of its superblock is wrong", where)
        wide = bool(incompatible & Incompatible.BIT64)
        block = 1024 << min(at(0x18), 16)
        made = cls(
            block=block, blocks=at(0x04) | (at(0x150) << 32 if wide else 0), first_block=at(0x14),
            group_blocks=at(0x20), inodes=at(0x00), group_inodes=at(0x28),
            inode_size=at(0x58, "H") if at(0x4C) else 128, descriptor=at(0xFE, "H") if wide else 32,
            incompatible=incompatible, first_meta=at(0x104), supers=_supers(raw, read_only),
            sums=_sums(raw, incompatible) if summed else None,
        )  # fmt: skip
        made._check(size, where)
        return made

    def _check(self, size: int, where: str) -> None:
        if not 1024 <= self.block <= 65536:
            raise unreadable(f"it claims blocks of {self.block} bytes", where)
        if self.blocks * self.block > size:
            claimed = self.blocks * self.block
            raise unreadable(f"it is cut off: {size} bytes of {claimed}", where, hint="get the file again")
        powers = (self.inode_size, self.descriptor)
        sound = (
            self.first_block in ({0, 1} if self.block == 1024 else {0})
            and self.blocks > 1
            and self.group_blocks > 0
            and 0 < self.group_inodes <= 8 * self.block
            and 128 <= self.inode_size <= self.block
            and 32 <= self.descriptor <= self.block
            and not any(number & number - 1 for number in powers)
            and self.inodes == self.groups * self.group_inodes
        )
        if not sound:
            raise unreadable("what its superblock says cannot be", where)

    @property
    def groups(self) -> int:
        """Block groups."""
        return -(-(self.blocks - self.first_block) // self.group_blocks)

    def descriptor_block(self, number: int) -> int:
        """Where a block of descriptors lies (ext4: Meta Block Groups)."""
        if not self.incompatible & Incompatible.META_BG or number < self.first_meta:
            return OFFSET // self.block + 1 + number
        group = number * (self.block // self.descriptor)
        if group == 0:
            return OFFSET // self.block + 1
        return self.first_block + group * self.group_blocks + self.supers(group)


def _knows(incompatible: Incompatible, where: str) -> None:
    if incompatible & Incompatible.RECOVER:
        raise unreadable(
            "its journal has changes that are not in the volume yet: it was in use, and not unmounted", where,
            hint=f"let e2fsck bring them in (e2fsck -p {where}), or mount and unmount it",
        )  # fmt: skip
    unknown = int(incompatible) & ~int(_READ)
    if unknown:
        raise unreadable(f"it has features that we do not read: {unknown:#x} of s_feature_incompat", where)


def _sums(raw: bytes, incompatible: Incompatible) -> Checksums:
    if incompatible & Incompatible.CSUM_SEED:
        return Checksums.seeded(int.from_bytes(raw[0x270:0x274], "little"))
    return Checksums(uuid.UUID(bytes=raw[0x68:0x78]))


def _supers(raw: bytes, read_only: int) -> Callable[[int], bool]:
    compatible = int.from_bytes(raw[0x5C:0x60], "little")
    if compatible & _SPARSE_SUPER2:
        return {0, *struct.unpack_from("<II", raw, 0x24C)}.__contains__
    if read_only & _SPARSE_SUPER:
        return backup_groups(2**32).__contains__
    return lambda _: True


class Volume:
    """An ext4 volume in a file, open for as long as it is read."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Read the superblock of the file that is open as `descriptor`.

        Raises:
            IntegrityError: `ext4.unreadable`.
        """
        self.where = str(path)
        self._file = descriptor
        size = os.fstat(descriptor).st_size
        self.superblock = Superblock.parse(os.pread(descriptor, _SIZE, OFFSET), size, self.where)
        self.block = self.superblock.block
        self.sums = self.superblock.sums
        self._once: set[int] = set()
        self._tables: dict[int, int] = {}
        self._windows: dict[int, bytes] = {}

    def block_at(self, number: int, *, once: bool = False) -> bytes:
        """One block; with `once`, one of metadata, which belongs to one owner.

        Raises:
            IntegrityError: `ext4.unreadable`, when there is no such block, or it was taken before.
        """
        self.require(number, 1)
        if once:
            if number in self._once:
                raise unreadable(f"block {number} has two owners", self.where)
            self._once.add(number)
        return self._whole(os.pread(self._file, self.block, number * self.block), self.block)

    def require(self, number: int, count: int) -> None:
        """Hold a run of blocks to the volume.

        Raises:
            IntegrityError: `ext4.unreadable`.
        """
        if not self.superblock.first_block < number <= number + count <= self.superblock.blocks:
            raise unreadable(f"it points to blocks {number}..{number + count}, which it does not have", self.where)

    def record_at(self, number: int) -> bytes:
        """The record of an inode, as it stands in its table.

        Raises:
            IntegrityError: `ext4.unreadable`.
        """
        found = self.superblock
        if not 0 < number <= found.inodes:
            raise unreadable(f"it points to inode {number}, which it does not have", self.where)
        group, index = divmod(number - 1, found.group_inodes)
        place = self._table(group) * self.block + index * found.inode_size
        window, start = divmod(place, _WINDOW)  # records are powers of two, and so lie in one
        return self._whole(self._window(window)[start : start + found.inode_size], found.inode_size)

    def _table(self, group: int) -> int:
        """The first block of a group's inode table."""
        if group in self._tables:
            return self._tables[group]
        size = self.superblock.descriptor
        block, index = divmod(group, self.block // size)
        content = self.block_at(self.superblock.descriptor_block(block))
        record = content[index * size : (index + 1) * size]
        if self.sums is not None:
            plain = record[:_CHECKSUM] + bytes(2) + record[_CHECKSUM + 2 :]
            if self.sums.descriptor(group, plain) != int.from_bytes(record[_CHECKSUM : _CHECKSUM + 2], "little"):
                raise unreadable(f"the checksum of block group {group} is wrong", self.where)
        (table,) = _TABLE.unpack_from(record, 8)
        if size >= 64:
            table |= _TABLE.unpack_from(record, 0x28)[0] << 32
        self.require(table, -(-self.superblock.group_inodes * self.superblock.inode_size // self.block))
        self._tables[group] = table
        return int(table)

    def _whole(self, data: bytes, length: int) -> bytes:
        if len(data) != length:
            raise unreadable("it ends before its superblock says", self.where)
        return data

    def _window(self, number: int) -> bytes:
        found = self._windows.get(number)
        if found is None:
            if len(self._windows) == _WINDOWS:
                self._windows.pop(next(iter(self._windows)))
            found = self._windows[number] = os.pread(self._file, _WINDOW, number * _WINDOW)
        return found
