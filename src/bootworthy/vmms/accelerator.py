"""What will execute a guest's instructions here: KVM only if a real guest ran under it, else TCG.

That `/dev/kvm` is there and opens says little: under some nested hypervisors no stock guest runs. So the very kernel
that is to be booted is tried, with an initramfs that says one word, and the outcome is remembered for this kernel,
this VMM and this boot of the host.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bootworthy.errors import DeadlineError
from bootworthy.filesystems import cpio
from bootworthy.host import files, tools
from bootworthy.oci.canonical import canonical_json
from bootworthy.vmms.launch import launch
from bootworthy.vmms.plan import LaunchPlan
from bootworthy.vmms.vmm import Vmm
from bootworthy.vocabulary import Accelerator, Architecture

_DEVICE = Path("/dev/kvm")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PATIENCE = 10.0
_INIT = """\
#!/bin/busybox sh
/bin/busybox echo {word}
/bin/busybox reboot -f
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """An accelerator, and why it is that one."""

    accelerator: Accelerator
    reason: str


def choose(vmm: Vmm, binary: Path, plan: LaunchPlan, busybox: bytes, cache: Path) -> Choice:
    """The accelerator for a plan on this host; `cache` is the folder where outcomes are remembered.

    `busybox` is a static busybox of the plan's architecture.

    Raises:
        SpaceError, HostError: the VMM cannot be started, or the outcome cannot be written.
    """
    obstacle = unavailable(plan.architecture)
    if obstacle is not None:
        return Choice(Accelerator.TCG, obstacle)
    key = {
        "host_kernel": platform.release(),
        "host_boot": _boot(),
        "cpu": processor(),
        "vmm": tools.digest(binary),
        "kernel": plan.kernel_digest,
        "vcpus": plan.vcpus,
    }
    name = hashlib.sha256(canonical_json(key)).hexdigest()
    return remembered(cache / "kvm" / f"{name}.json", key, lambda: trial(vmm, binary, plan, busybox))


def unavailable(architecture: Architecture, device: Path = _DEVICE) -> str | None:
    """Why there is no use in trying KVM; None when there may be."""
    if architecture is not Architecture.native():
        return f"this host is {Architecture.native()}, the guest {architecture}"
    if not device.exists():
        return f"this host has no {device}"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"{device} may not be used by this user (join the group that owns it)"
    return None


def remembered(path: Path, key: dict[str, object], attempt: Callable[[], str | None]) -> Choice:
    """The outcome that `path` holds for `key`, or that of an attempt, which is then kept there."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        document = json.loads(path.read_bytes())
        if document["key"] == key:
            return _choice(None if document["works"] is True else str(document["reason"]))
    reason = attempt()
    files.write(path, canonical_json({"key": key, "works": reason is None, "reason": reason}))
    return _choice(reason)


def _choice(reason: str | None) -> Choice:
    if reason is None:
        return Choice(Accelerator.KVM, "a guest with this kernel ran under KVM")
    return Choice(Accelerator.TCG, reason)


def trial(vmm: Vmm, binary: Path, plan: LaunchPlan, busybox: bytes, patience: float = _PATIENCE) -> str | None:
    """Boot the plan's kernel under KVM with an initramfs that says a random word: None when it did, else why not."""
    word = secrets.token_hex(16)
    with files.scratch(prefix="bootworthy-kvm-") as folder:
        initrd = folder / "initrd"
        files.write(initrd, trial_initrd(busybox, word))
        words = (f"console={plan.console}", "panic=-1", *vmm.facts.command_line)
        alone = replace(
            plan, initrd=initrd, drives=(), nics=(), accelerator=Accelerator.KVM, clock=vmm.clock(Accelerator.KVM),
            command_line=words,
        )  # fmt: skip
        try:
            return _says(vmm.argv(alone, binary), folder, word.encode(), patience)
        except DeadlineError as error:
            return f"no guest ran under KVM: {error}"


def trial_initrd(busybox: bytes, word: str) -> bytes:
    """An initramfs whose init says a word on the console and reboots."""
    return cpio.write(
        [
            cpio.directory(b"bin"),
            cpio.file(b"bin/busybox", busybox, 0o755),
            cpio.directory(b"dev"),
            cpio.character(b"dev/console", 5, 1),
            cpio.file(b"init", _INIT.format(word=word).encode(), 0o755),
        ]
    )


def _says(argv: list[str], folder: Path, word: bytes, patience: float) -> str | None:
    seen = b""
    limit = time.monotonic() + patience
    with launch(argv, folder) as running:
        while time.monotonic() < limit:
            data = running.read(limit - time.monotonic())
            if data is None:
                running.wait()
                said = running.said().splitlines()
                return "no guest ran under KVM" + (f": {said[-1]}" if said else ": it ended before userspace")
            seen = (seen + data)[-65536:]
            if word in seen:
                return None
    return f"no guest came up under KVM within {patience:g} s"


def _boot() -> str:
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def processor() -> str:
    """Model of this host's processor, as the kernel names it; "" when it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
