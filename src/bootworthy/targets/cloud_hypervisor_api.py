"""The body of Cloud Hypervisor's `PUT /api/v1/vm.create`.

Source: VmConfig of its OpenAPI description, v26 to v53.
"""

from __future__ import annotations

from typing import Any

from bootworthy.targets.cloud_hypervisor import TYPED_SINCE
from bootworthy.targets.consumer import CLOUD_HYPERVISOR, Versions
from bootworthy.targets.target import Document, FileTarget
from bootworthy.targets.written import as_json
from bootworthy.vmms.plan import Drive, LaunchPlan


def render(plan: LaunchPlan, versions: Versions, tap: str | None) -> Document:
    """The body."""
    payload = {"kernel": str(plan.kernel), "cmdline": " ".join(plan.command_line)}
    if plan.initrd is not None:
        payload["initramfs"] = str(plan.initrd)
    typed = versions.since("cloud-hypervisor", TYPED_SINCE)
    document: dict[str, Any] = {
        "cpus": {"boot_vcpus": plan.vcpus, "max_vcpus": plan.vcpus}, "memory": {"size": plan.memory_mib << 20},
        "payload": payload, "disks": [_disk(drive, typed=typed) for drive in plan.drives],
        "serial": {"mode": "Tty"}, "console": {"mode": "Off"},
    }  # fmt: skip
    if tap is not None:
        document["net"] = [{"tap": tap, "mac": nic.mac} for nic in plan.nics]
    return Document(as_json(document))


def _disk(drive: Drive, *, typed: bool) -> dict[str, object]:
    kind = {"image_type": drive.format.value.capitalize()} if typed else {}
    return {"path": str(drive.path), "readonly": drive.read_only, **kind}


TARGET = FileTarget(title="Cloud Hypervisor, API", consumers=(CLOUD_HYPERVISOR,), vmm="cloud-hypervisor", render=render)
