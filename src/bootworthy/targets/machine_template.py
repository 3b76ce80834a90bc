"""CAPMVM's MicrovmMachineTemplate: the images and the shape of the machines of a cluster.

Source: the custom resource definitions of CAPMVM, v0.6.0 to v0.10.1, infrastructure.cluster.x-k8s.io/v1alpha1.
"""

from __future__ import annotations

from typing import Any

from bootworthy.targets import limits, mounts
from bootworthy.targets.consumer import Versions
from bootworthy.targets.guest import Guest
from bootworthy.targets.microvm import NIC
from bootworthy.targets.target import refused
from bootworthy.targets.written import short_digest

API = "infrastructure.cluster.x-k8s.io/v1alpha1"
KIND = "MicrovmMachineTemplate"


def template(guest: Guest, versions: Versions, prefix: str, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """A template. Its name carries a digest of its content: Cluster API replaces machines only when the name changes.

    Raises:
        RefusedError: as `machine`.
    """
    content = {**({"metadata": {"labels": labels}} if labels else {}), "spec": machine(guest, versions)}
    name = f"{prefix}-{short_digest(content)}"
    return {"apiVersion": API, "kind": KIND, "metadata": {"name": name}, "spec": {"template": content}}


def machine(guest: Guest, versions: Versions) -> dict[str, Any]:
    """The specification of a machine.

    Raises:
        RefusedError: `emit.vmm`, `emit.pair`, `emit.legacy-images`; as `limits.flintlock`.
    """
    _refuse(guest, versions)
    document: dict[str, Any] = {}
    if versions.since("capmvm", "0.9.0"):
        document["provider"] = limits.PROVIDERS[guest.vmm]
    document |= {
        "vcpu": guest.vcpus, "memoryMb": guest.memory_mib,
        "kernel": {"image": guest.kernel, "filename": guest.kernel_file},
    }  # fmt: skip
    if guest.initrd is not None:
        document["initrd"] = {"image": guest.initrd, "filename": guest.initrd_file}
    document["rootVolume"] = {"id": "root", "image": guest.root}
    if guest.modules is not None:
        place = mounts.in_place(guest)
        volume = {"id": "modules", "image": guest.modules.image, **({"mountPoint": place} if place else {})}
        document["volumes"] = [volume]
    return {**document, "networkInterfaces": [{"guestDeviceName": NIC, "type": "tap"}]}


def _refuse(guest: Guest, versions: Versions) -> None:
    limits.flintlock(guest, versions)
    capmvm = versions["capmvm"].text
    if guest.vmm != "firecracker" and not versions.since("capmvm", "0.9.0"):
        raise refused("vmm", f"CAPMVM {capmvm} cannot ask for {guest.vmm}", "take CAPMVM 0.9.0 or later")
    if versions.since("capmvm", "0.9.0") and not versions.since("flintlock", "0.6.0"):
        raise refused(
            "pair", f"CAPMVM {capmvm} names a provider, which Flintlock {versions['flintlock'].text} does not know",
            "take Flintlock 0.6.0 or later",
        )  # fmt: skip
    if not versions.since("capmvm", "0.8.0"):
        limits.legacy(guest, f"CAPMVM {capmvm}")
