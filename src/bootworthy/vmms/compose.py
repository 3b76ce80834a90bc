"""The plan of a VM from what it boots: the one place where a kernel command line is put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bootworthy.machines.facts import MachineFacts
from bootworthy.vmms.plan import Drive, DriveFormat, LaunchPlan, Nic
from bootworthy.vocabulary import Accelerator, Architecture, Role

ROOT_LABEL = "root"
"""Label of the root volume: an initramfs finds it by this, never by letter."""
MODULES_LABEL = "modules"
"""Label of the modules volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A file with its digest, and how it is stored."""

    path: Path
    digest: str
    """`sha256:...` of the content the guest sees."""
    format: DriveFormat = DriveFormat.RAW


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootable:
    """What a guest boots: files, joined by digest."""

    architecture: Architecture
    kernel: Volume
    initrd: Volume | None
    """None when the kernel mounts its root by itself; it then takes the first drive, for it knows no labels."""
    root: Volume
    root_read_only: bool = False
    modules: Volume | None = None


def compose(
    facts: MachineFacts,
    bootable: Bootable,
    *,
    accelerator: Accelerator,
    clock: tuple[str, ...] = (),
    vcpus: int | None = None,
    memory_mib: int | None = None,
    words: tuple[str, ...] = (),
) -> LaunchPlan:
    """The plan for a VMM: drives ordered root, modules; one NIC; `words` at the end of the command line.

    Raises:
        NotFoundError: `machine.no-architecture`, when the VMM does not run on this architecture.
    """
    console = facts.console(bootable.architecture)
    root = f"root=LABEL={ROOT_LABEL}" if bootable.initrd else "root=/dev/vda"
    mode = "ro" if bootable.root_read_only else "rw"
    # panic=-1 reboots at once, and a VMM that may not reboot ends: a dead guest never looks like a slow one.
    command_line = (f"console={console}", "panic=-1", root, mode, *facts.command_line, *words)
    drives = [_drive(Role.ROOT, bootable.root, 0, read_only=bootable.root_read_only)]
    if bootable.modules is not None:
        drives.append(_drive(Role.MODULES, bootable.modules, 1, read_only=True))
    return LaunchPlan(
        vmm=facts.vmm,
        architecture=bootable.architecture,
        kernel=bootable.kernel.path,
        kernel_digest=bootable.kernel.digest,
        initrd=bootable.initrd.path if bootable.initrd else None,
        initrd_digest=bootable.initrd.digest if bootable.initrd else None,
        command_line=command_line,
        clock=clock,
        drives=tuple(drives),
        nics=(Nic(),),
        console=console,
        vcpus=vcpus or facts.vcpus,
        memory_mib=memory_mib or facts.memory_mib,
        accelerator=accelerator,
    )


def _drive(role: Role, volume: Volume, number: int, *, read_only: bool) -> Drive:
    return Drive(
        role=role, path=volume.path, digest=volume.digest, read_only=read_only, name=f"vd{chr(ord('a') + number)}",
        format=volume.format,
    )  # fmt: skip
