"""What a volume shall be like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5

from bootworthy.errors import UsageError

BLOCK = 4096
"""Bytes of a block; the only block size we write."""
LARGEST = 16 * 2**40
"""Bytes of the largest volume; also the largest file of many hosts."""
DEFAULT_FREE = 0.1


class Profile(StrEnum):
    """Which features a filesystem has. Both have extents, 64-bit block numbers, hashed directories and backups."""

    FULL = "full"
    """With a journal and checksums: for a root that is written to."""
    LEAN = "lean"
    """Without them: smaller, for volumes that are thrown away or only read."""

    @property
    def checksums(self) -> bool:
        """Whether all metadata has a checksum (metadata_csum)."""
        return self is Profile.FULL

    @property
    def journal(self) -> bool:
        """Whether there is a journal (has_journal)."""
        return self is Profile.FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to make a volume. Without `size` and `free` it gets a tenth of free room.

    Raises:
        UsageError: `ext4.size`, `ext4.free`, `ext4.inodes`, `ext4.label`, `ext4.time`, `ext4.uuid`.
    """

    uuid: UUID
    """Names the volume; derive it from what the volume is made from."""
    profile: Profile = Profile.FULL
    size: int | None = None
    """Bytes of the whole volume."""
    free: float | int | None = None
    """Room left over: a share of the volume below 1 as a float, or bytes as an int; instead of `size`."""
    inodes: int | None = None
    """At least so many inodes, used ones included; by default one for 16 KiB, and an eighth more than are used."""
    label: str = ""
    """At most 16 bytes."""
    seed: UUID | None = None
    """Seed of directory hashes; by default derived from `uuid`."""
    time: int = 0
    """When the volume was made, in seconds since 1970: SOURCE_DATE_EPOCH, never later than now."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.size is not None and self.free is not None:
            raise UsageError("ext4.size", "a volume has a size or an amount of free room, not both", hint="drop one")
        if self.size is not None and not 0 < self.size <= LARGEST:
            raise UsageError("ext4.size", f"cannot make a volume of {self.size} bytes", hint="from 1 byte to 16 TiB")
        limit = 0.95 if isinstance(self.free, float) else LARGEST
        if self.free is not None and not 0 <= self.free <= limit:
            raise UsageError("ext4.free", f"cannot leave {self.free} free", hint="a share up to 0.95, or bytes")
        if self.inodes is not None and not 0 < self.inodes < 2**32:
            raise UsageError("ext4.inodes", f"cannot have {self.inodes} inodes", hint="from 1 to 4294967295")
        if len(self.label.encode()) > 16 or "\0" in self.label:
            raise UsageError("ext4.label", f"the label {self.label!r} does not fit", hint="at most 16 bytes")
        if not 0 <= self.time < 2**32:
            raise UsageError("ext4.time", f"{self.time} is no time for a superblock", hint="seconds since 1970")
        if self.uuid.int == 0:
            raise UsageError("ext4.uuid", "a volume needs a UUID that is not zero", hint="derive one from its inputs")

    @property
    def hash_seed(self) -> bytes:
        """The 16 bytes that directory hashes start from."""
        return (self.seed or uuid5(self.uuid, "ext4 directory hash seed")).bytes
