"""What a check looks at: the images of one cell, and the machine they are for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field

from bootworthy.checks import kernel_file, modules_folder
from bootworthy.checks.kernel_file import KernelFile
from bootworthy.checks.modules_folder import ModulesFolder
from bootworthy.checks.part import Part
from bootworthy.machines.facts import MachineFacts
from bootworthy.vocabulary import Architecture, Role

__all__ = ["Part", "Subject"]


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

    def part(self, role: Role) -> Part | None:
        """The image of a role."""
        parts = {Role.ROOT: self.root, Role.KERNEL: self.kernel, Role.MODULES: self.modules, Role.INITRD: self.initrd}
        return parts.get(role)

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
    def modules_folder(self) -> ModulesFolder | None:
        """The modules, from their own image or else from the root's; None when there are none."""
        if self.modules is not None and self.modules_are_a_volume:
            return modules_folder.of_image(self.modules, self.release)
        return None if self.root is None else modules_folder.of_root(self.root, self.release)

    @property
    def modules_are_a_volume(self) -> bool:
        """Whether the modules come as a volume of their own, rather than inside the root."""
        return self.modules is not None and (self.root is None or self.modules.name != self.root.name)
