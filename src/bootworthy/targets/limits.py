"""What Flintlock and its clients cannot run, found before they are asked."""

from __future__ import annotations

from bootworthy.targets.consumer import Versions
from bootworthy.targets.guest import Guest
from bootworthy.targets.target import refused

PROVIDERS = {"firecracker": "firecracker", "cloud-hypervisor": "cloudhypervisor"}
"""Our names of VMMs, and Flintlock's."""
_MEMORY = range(1024, 32769)
_VCPUS = {"firecracker": range(1, 33), "cloud-hypervisor": range(1, 65)}


def flintlock(guest: Guest, versions: Versions) -> None:
    """Nothing, when a Flintlock can run a guest.

    Source: Flintlock's validators and providers, v0.1.0 to v0.11.0.

    Raises:
        RefusedError: `emit.vmm`, `emit.legacy-images`, `emit.initrd`, `emit.memory`, `emit.vcpus`.
    """
    if guest.vmm not in PROVIDERS:
        raise refused(
            "vmm", f"Flintlock does not run {guest.vmm}", "one of its machines: firecracker, cloud-hypervisor"
        )
    if guest.vmm == "cloud-hypervisor" and not versions.since("flintlock", "0.6.0"):
        raise refused(
            "vmm", f"Flintlock {versions['flintlock'].text} runs only Firecracker", "take Flintlock 0.6.0 or later"
        )
    if guest.vmm == "cloud-hypervisor" and guest.initrd is not None:
        raise refused(
            "initrd", "Flintlock gives Cloud Hypervisor no initial RAM disk, and this kernel needs one",
            "take a kernel that mounts its root by itself: bootworthy build -c from-source",
        )  # fmt: skip
    if not versions.since("flintlock", "0.5.0"):
        legacy(guest, f"Flintlock {versions['flintlock'].text}")
    if guest.memory_mib not in _MEMORY:
        raise refused(
            "memory", f"{guest.memory_mib} MiB: Flintlock takes 1024 to 32768", "change `memory` of the machine"
        )
    if guest.vcpus not in _VCPUS[guest.vmm] or (guest.vmm == "firecracker" and guest.vcpus % 2 and guest.vcpus > 1):
        raise refused(
            "vcpus", f"{guest.vcpus} vCPUs: Flintlock on {guest.vmm} takes an even number up to "
            f"{_VCPUS[guest.vmm].stop - 1}, or one", "change `vcpus` of the machine",
        )  # fmt: skip


def legacy(guest: Guest, consumer: str) -> None:
    """Nothing, when a guest needs no volume beside its root.

    Raises:
        RefusedError: `emit.legacy-images`.
    """
    if guest.modules is not None:
        raise refused(
            "legacy-images", f"{consumer} mounts no volumes, so that {guest.modules.image} would stay unused",
            "take a root that holds its modules (flintlock-kernel and capmvm-kubernetes), or a later version",
        )  # fmt: skip
