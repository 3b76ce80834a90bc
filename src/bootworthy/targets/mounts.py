"""How a guest comes to its modules: by the mount point of a document, or by what cloud-init is told."""

from __future__ import annotations

from bootworthy.targets.guest import Guest, Layout

_ASIDE = "/run/bootworthy/modules"
"""Where a volume is mounted whose modules lie too deep to be mounted in their place."""
_FIRST = {"firecracker": "vdb", "cloud-hypervisor": "vdc"}
"""The first volume beside the root: Flintlock gives Cloud Hypervisor its metadata as the second disk."""


def in_place(guest: Guest) -> str | None:
    """The mount point that a document can give: flat modules, on Firecracker. None where that would go wrong.

    Flintlock counts letters of disks without the one that Cloud Hypervisor gets its metadata on.
    """
    if guest.modules is None or guest.modules.layout is Layout.ROOTED or guest.vmm != "firecracker":
        return None
    return guest.modules_folder


def told(guest: Guest) -> list[list[str]]:
    """What cloud-init is to mount, as `mounts` of its configuration; nothing where the document gives the mount point.

    Source: cloud-init documentation, module Mounts; fields as in fstab(5).
    """
    if guest.modules is None or in_place(guest) is not None:
        return []
    device = f"/dev/{_FIRST[guest.vmm]}"
    if guest.modules.layout is Layout.FLAT:
        return [[device, guest.modules_folder, "auto", "ro,nofail", "0", "0"]]
    bound = f"bind,nofail,x-systemd.requires-mounts-for={_ASIDE}"
    return [
        [device, _ASIDE, "auto", "ro,nofail", "0", "0"],
        [_ASIDE + guest.modules.path, guest.modules_folder, "none", bound, "0", "0"],
    ]
