"""A disk as the guest finds it, and the names it has there."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bootworthy.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk of the guest, with one filesystem and no partitions."""

    name: str
    """`vda`; disks are named in the order in which they are attached."""
    role: Role
    """What is on it; also its serial number, where the VMM gives it one."""
    label: str
    """That of its filesystem."""
    uuid: UUID | None = None
    """That of its filesystem; None when nobody knows it yet."""
