"""Root device."""

from __future__ import annotations

from tests.check_cases import Case, of
from tests.check_trees import DISKS

CASES = {
    "cmdline.root-missing": Case(
        breaks=of(disks=DISKS, command_line=("root=/dev/sda1",)),
        keeps=of(disks=DISKS, command_line=("root=/dev/vda",)),
    ),
    "cmdline.root-type": Case(
        breaks=of(disks=DISKS, command_line=("root=/dev/vda", "rootfstype=xfs")),
        keeps=of(disks=DISKS, command_line=("root=/dev/vda", "rootfstype=xfs,ext4")),
    ),
}
