"""The command line of QEMU's `microvm` machine, for a shell: the very one that proofs run, under KVM."""

from __future__ import annotations

from pathlib import Path

from bootworthy.errors import UsageError
from bootworthy.targets.consumer import QEMU, Versions
from bootworthy.targets.target import Document, FileTarget
from bootworthy.targets.written import as_command
from bootworthy.vmms.plan import LaunchPlan
from bootworthy.vmms.qemu_microvm import VMM

_PROGRAM = Path("qemu-system-x86_64")


def render(plan: LaunchPlan, _versions: Versions, tap: str | None) -> Document:
    """The command. Its NIC is the user network of QEMU.

    Raises:
        UsageError: `emit.tap`.
    """
    if tap is not None:
        raise UsageError(
            "emit.tap", "this command has QEMU's user network, and joins no TAP device", hint="leave out --tap"
        )
    return Document(as_command(VMM.argv(plan, _PROGRAM, interactive=True)))


TARGET = FileTarget(title="QEMU, command line", consumers=(QEMU,), vmm="qemu-microvm", render=render)
