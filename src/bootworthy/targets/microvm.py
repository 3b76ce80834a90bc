"""Flintlock's MicroVMSpec: names in snake_case and enumerations as numbers, which every client of it reads.

Source: api/types/microvm.proto of Flintlock, v0.1.0 to v0.11.0.
"""

from __future__ import annotations

import base64
from typing import Any

from bootworthy.targets import limits, mounts
from bootworthy.targets.consumer import Versions
from bootworthy.targets.guest import Guest, Layout
from bootworthy.targets.written import as_yaml

_TAP = 1
"""`TAP` of the enumeration; 0 is macvtap, which Firecracker does not have."""
_NAMESPACE = "default"
NIC = "eth1"
"""The guest's first NIC of its own: `eth0` is the one that Flintlock gives Firecracker's metadata service."""


def spec(guest: Guest, versions: Versions) -> dict[str, Any]:
    """The specification of a guest for one version of Flintlock.

    Raises:
        RefusedError: as `limits.flintlock`.
    """
    limits.flintlock(guest, versions)
    document: dict[str, Any] = {
        "id": guest.name, "namespace": _NAMESPACE, "vcpu": guest.vcpus, "memory_in_mb": guest.memory_mib,
    }  # fmt: skip
    if versions.since("flintlock", "0.6.0"):
        document["provider"] = limits.PROVIDERS[guest.vmm]
    document["kernel"] = {"image": guest.kernel, "filename": guest.kernel_file, "add_network_config": True}
    if guest.initrd is not None:
        document["initrd"] = {"image": guest.initrd, "filename": guest.initrd_file}
    document["root_volume"] = {"id": "root", "is_read_only": False, "source": {"container_source": guest.root}}
    if guest.modules is not None:
        document["additional_volumes"] = [_modules(guest, guest.modules.image)]
    document["interfaces"] = [{"device_id": NIC, "type": _TAP}]
    document["metadata"] = metadata(guest)
    return document


def metadata(guest: Guest) -> dict[str, str]:
    """What cloud-init finds: base64 of YAML by key.

    The keys of `meta-data` have a hyphen: cloud-init reads no others, and lends templates both spellings.
    """
    told = {"meta-data": as_yaml([{"instance-id": f"{_NAMESPACE}/{guest.name}", "local-hostname": guest.name}])}
    if wanted := mounts.told(guest):
        told["vendor-data"] = "#cloud-config\n" + as_yaml([{"mounts": wanted}])
    return {key: base64.b64encode(text.encode()).decode() for key, text in told.items()}


def notes(guest: Guest) -> tuple[str, ...]:
    """What whoever uses the specification must know."""
    found = deaf(guest)
    if guest.modules is not None and guest.modules.layout is Layout.ROOTED:
        where = f"the modules lie under {guest.modules.path} of their image, too deep for a mount point"
        found += (f"{where}: vendor-data mounts them aside and binds them into place",)
    return found


def deaf(guest: Guest) -> tuple[str, ...]:
    """What becomes of a guest that nothing reads the metadata of."""
    if guest.cloud_init:
        return ()
    return (
        f"{guest.root} has no cloud-init: neither network, users, keys nor the mount of its modules reach the guest",
    )


def _modules(guest: Guest, image: str) -> dict[str, Any]:
    volume: dict[str, Any] = {"id": "modules", "is_read_only": False}
    if place := mounts.in_place(guest):
        volume["mount_point"] = place
    return {**volume, "source": {"container_source": image}}
