"""The command line of `cloud-hypervisor`, for a shell.

Source: cloud-hypervisor --help and its release notes, v26 to v53.
"""

from __future__ import annotations

from bootworthy.errors import UsageError
from bootworthy.targets.consumer import CLOUD_HYPERVISOR, Versions
from bootworthy.targets.target import Document, FileTarget
from bootworthy.targets.written import as_command
from bootworthy.vmms.plan import Drive, LaunchPlan

TYPED_SINCE = "51.0"
"""The first release to keep guests from the first sector of a disk whose type it had to guess."""


def render(plan: LaunchPlan, versions: Versions, tap: str | None) -> Document:
    """The command.

    Raises:
        UsageError: `emit.path`.
    """
    typed = versions.since("cloud-hypervisor", TYPED_SINCE)
    words = ["cloud-hypervisor", "--kernel", str(plan.kernel)]
    if plan.initrd is not None:
        words += ["--initramfs", str(plan.initrd)]
    words += ["--cmdline", " ".join(plan.command_line)]
    words += ["--cpus", f"boot={plan.vcpus}", "--memory", f"size={plan.memory_mib}M"]
    words += ["--disk", *(_disk(drive, typed=typed) for drive in plan.drives)]
    if tap is not None:
        words += ["--net", *(f"tap={tap},mac={nic.mac}" for nic in plan.nics)]
    return Document(as_command([*words, "--serial", "tty", "--console", "off"]))


def _disk(drive: Drive, *, typed: bool) -> str:
    if "," in str(drive.path):
        raise UsageError("emit.path", f"{drive.path}: there may be no comma in a path here", hint="name another folder")
    options = [f"path={drive.path}", *(["readonly=on"] if drive.read_only else [])]
    return ",".join([*options, *([f"image_type={drive.format}"] if typed else [])])


TARGET = FileTarget(
    title="Cloud Hypervisor, command line", consumers=(CLOUD_HYPERVISOR,), vmm="cloud-hypervisor", render=render
)
