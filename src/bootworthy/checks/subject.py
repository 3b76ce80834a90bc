"""What a check looks at: the images of one cell, and the machine they are for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from bootworthy.catalog.versions import Version
from bootworthy.checks import kernel_file, modules_folder, ram_disk
from bootworthy.checks.disk import Disk
from bootworthy.checks.kernel_file import KernelFile
from bootworthy.checks.modules_folder import ModulesFolder
from bootworthy.checks.part import Part
from bootworthy.checks.ram_disk import RamDisk
from bootworthy.kernels.command_line import CommandLine
from bootworthy.kernels.initramfs import VMM_LABEL
from bootworthy.machines.facts import KernelFormat, MachineFacts
from bootworthy.vocabulary import Architecture, Role

__all__ = ["ARGUMENTS", "Part", "Subject"]

ARGUMENTS = "kernel command line"
"""The place of findings about `Subject.arguments`."""


# No slots: what is read from the images is kept beside the fields, so that every family reads it once.
@dataclass(frozen=True, eq=False)
class Subject:
    """Images that are to boot together on a machine. Reading it needs no privilege and starts nothing."""

    facts: MachineFacts
    architecture: Architecture
    """Of the machine."""
    root: Part | None = None
    kernel: Part | None = None
    """None when the root brings its own."""
    modules: Part | None = None
    """None when the root brings its own, or there are none."""
    initrd: Part | None = None
    platforms: Mapping[Role, Architecture] = field(default_factory=dict)
    """What the config of each image says."""
    init: str = "/sbin/init"
    """What the kernel is told to start."""
    filesystem: str = "ext4"
    """What the root volume is written as."""
    command_line: tuple[str, ...] = ()
    """What the kernel is told, a word each (a quoted value with spaces is one word); empty when nobody says."""
    disks: tuple[Disk, ...] = ()
    """What the guest finds, in order; empty when nobody says."""
    devices: frozenset[str] = frozenset()
    """What the machine has beside what every guest gets, as `provides` of the catalog and the facts say: `pci`."""
    metadata_only: bool = False
    """Whether keys and users reach the guest through metadata alone, by a machine that provides `metadata`."""
    vmm_version: Version | None = None
    """The oldest release of the VMM that it is to boot on; None for the newest. No program of this host is asked."""
    vcpus: int = 2
    memory_mib: int = 1024
    at: date | None = None
    """The day it is asked for; None when days do not matter."""
    ends: Mapping[str, str] = field(default_factory=dict)
    """When support of system and kernel ends, by what the catalog calls them: `system debian-12` to `2028-06`."""

    def part(self, role: Role) -> Part | None:
        """The image of a role."""
        parts = {Role.ROOT: self.root, Role.KERNEL: self.kernel, Role.MODULES: self.modules, Role.INITRD: self.initrd}
        return parts.get(role)

    @functools.cached_property
    def arguments(self) -> CommandLine:
        """What the kernel makes of its command line."""
        return CommandLine.of(self.command_line)

    @property
    def first_process(self) -> str:
        """The program that the kernel starts in the root: what `init=` says, or the usual one."""
        word = self.arguments.last("init")
        return word.value if word is not None and word.value else self.init

    @property
    def vmm(self) -> str:
        """The VMM for people, with the release that is asked about: `Firecracker 1.9.0`."""
        return f"{self.facts.title} {self.vmm_version.text}" if self.vmm_version else self.facts.title

    @property
    def kernel_formats(self) -> tuple[KernelFormat, ...]:
        """Kernel formats that the VMM boots in the release that is asked about, best first.

        Raises:
            NotFoundError: `machine.no-architecture`.
        """
        formats, since = self.facts.kernel_formats(self.architecture), self.facts.formats_since
        version = self.vmm_version
        return tuple(
            each for each in formats if version is None or each not in since or Version(since[each]) <= version
        )

    @property
    def initrd_is_ours(self) -> bool:
        """Whether we built the initial RAM disk, so that what it does with the command line is known."""
        return self.initrd is not None and VMM_LABEL in self.initrd.labels

    @functools.cached_property
    def kernel_file(self) -> KernelFile | None:
        """The kernel, from its own image or else from the root's; None when there is none."""
        part = self.kernel or self.root
        return None if part is None else kernel_file.read(part)

    @property
    def release(self) -> str | None:
        """The kernel's release, if it says so."""
        return None if self.kernel_file is None else self.kernel_file.release

    @functools.cached_property
    def ram_disk(self) -> RamDisk | None:
        """The initial RAM disk; None when there is none, or its image has no file that is one."""
        return None if self.initrd is None else ram_disk.read(self.initrd, self.release)

    @functools.cached_property
    def modules_folder(self) -> ModulesFolder | None:
        """The modules, from their own image or else from the root's; None when there are none."""
        if self.modules is not None and self.modules_are_a_volume:
            return modules_folder.of_image(self.modules, self.release)
        return None if self.root is None else modules_folder.of_root(self.root, self.release)

    @property
    def modules_are_a_volume(self) -> bool:
        """Whether the modules come as a volume of their own, rather than inside the root."""
        return self.modules is not None and (self.root is None or self.modules.name != self.root.name)
