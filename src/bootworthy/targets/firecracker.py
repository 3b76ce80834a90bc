"""Firecracker's configuration file, for `firecracker --no-api --config-file`.

Source: Firecracker's docs/getting-started and docs/entropy, resources.rs (VmmConfig), v1.0 to v1.16.
"""

from __future__ import annotations

from typing import Any

from bootworthy.targets.consumer import FIRECRACKER, Versions
from bootworthy.targets.target import Document, FileTarget
from bootworthy.targets.written import as_json
from bootworthy.vmms.plan import LaunchPlan


def render(plan: LaunchPlan, versions: Versions, tap: str | None) -> Document:
    """The file."""
    boot: dict[str, Any] = {"kernel_image_path": str(plan.kernel)}
    if plan.initrd is not None:
        boot["initrd_path"] = str(plan.initrd)
    document: dict[str, Any] = {
        "boot-source": {**boot, "boot_args": " ".join(plan.command_line)},
        # No disk is said to be the root: Firecracker would write `root=` itself, and the command line has it.
        "drives": [
            {
                "drive_id": drive.role.value, "path_on_host": str(drive.path), "is_root_device": False,
                "is_read_only": drive.read_only,
            }
            for drive in plan.drives
        ],
        "machine-config": {"vcpu_count": plan.vcpus, "mem_size_mib": plan.memory_mib, "smt": False},
    }  # fmt: skip
    if tap is not None:
        document["network-interfaces"] = [
            {"iface_id": "eth0", "host_dev_name": tap, "guest_mac": nic.mac} for nic in plan.nics
        ]
    if versions.since("firecracker", "1.4.0"):
        # A guest that makes SSH host keys waits without it.
        document["entropy"] = {}
    return Document(as_json(document))


TARGET = FileTarget(title="Firecracker, configuration file", consumers=(FIRECRACKER,), vmm="firecracker", render=render)
