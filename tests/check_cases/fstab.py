"""File system table."""

from __future__ import annotations

from tests import check_trees as make
from tests.check_cases import Case, of
from tests.check_trees import DISKS, File

CASES = {
    "fstab.missing-device": Case(
        breaks=of(root_=make.root() | {"etc/fstab": File(b"LABEL=UEFI /boot/efi vfat defaults 0 1\n")}, disks=DISKS),
        keeps=of(root_=make.root() | {"etc/fstab": File(b"LABEL=root / ext4 defaults 0 1\n")}, disks=DISKS),
    )
}
