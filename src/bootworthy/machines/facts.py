"""What a VMM takes and gives: kernel formats, bus, console, limits. Facts only; nothing here starts anything.

A new VMM is one new module in this folder that holds `FACTS`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bootworthy.errors import NotFoundError
from bootworthy.host import registry
from bootworthy.vocabulary import Architecture


class KernelFormat(StrEnum):
    """A form in which a kernel is handed to a VMM."""

    ELF = "elf"
    """x86 `vmlinux`, entered by the 64-bit Linux boot protocol."""
    PVH = "pvh"
    """x86 `vmlinux` with the PVH ELF note (XEN_ELFNOTE_PHYS32_ENTRY)."""
    BZIMAGE = "bzimage"
    """x86 compressed kernel with the setup header."""
    IMAGE = "image"
    """aarch64 `Image`, not compressed."""


class Bus(StrEnum):
    """How a guest finds its virtio devices."""

    VIRTIO_MMIO = "virtio-mmio"
    VIRTIO_PCI = "virtio-pci"

    @property
    def drivers(self) -> tuple[str, ...]:
        """Kernel modules a disk on this bus needs, by module name; what they need themselves is in `modules.dep`."""
        return (self.value.replace("-", "_"), "virtio_blk")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """One VMM, as its own documents describe it."""

    vmm: str
    title: str
    formats: Mapping[Architecture, tuple[KernelFormat, ...]] = field(hash=False)
    """Kernel formats it boots, best first."""
    bus: Bus
    consoles: Mapping[Architecture, str] = field(hash=False)
    """Serial console, by the name it has in the guest."""
    command_line: tuple[str, ...] = ()
    """Arguments that every guest of this VMM needs, besides console and root."""
    provides: frozenset[str] = frozenset()
    """What it can do and others cannot: `pci`."""
    max_vcpus: int
    memory_mib: int = 1024
    """MiB that a guest gets unless the catalog says otherwise."""
    vcpus: int = 2
    """vCPUs that a guest gets unless the catalog says otherwise."""
    source: str
    """Where the facts come from."""

    @property
    def architectures(self) -> frozenset[Architecture]:
        """Architectures it runs on."""
        return frozenset(self.formats)

    def console(self, architecture: Architecture) -> str:
        """Name of the serial console in the guest: `ttyS0`.

        Raises:
            NotFoundError: `machine.no-architecture`.
        """
        self._require(architecture)
        return self.consoles[architecture]

    def kernel_formats(self, architecture: Architecture) -> tuple[KernelFormat, ...]:
        """Kernel formats it boots on an architecture, best first.

        Raises:
            NotFoundError: `machine.no-architecture`.
        """
        self._require(architecture)
        return self.formats[architecture]

    def _require(self, architecture: Architecture) -> None:
        if architecture not in self.formats:
            raise NotFoundError(
                "machine.no-architecture", f"{self.vmm} does not run on {architecture}",
                hint=f"it runs on {', '.join(sorted(self.formats))}",
            )  # fmt: skip


def known() -> dict[str, MachineFacts]:
    """Every VMM there is, by name."""
    return registry.scan("bootworthy.machines", "FACTS", MachineFacts)


def facts(vmm: str) -> MachineFacts:
    """The facts of one VMM.

    Raises:
        NotFoundError: `machine.unknown-vmm`.
    """
    every = known()
    if vmm not in every:
        near = difflib.get_close_matches(vmm, every, 1)
        raise NotFoundError(
            "machine.unknown-vmm", f"no VMM is called {vmm!r}",
            hint=f"did you mean {near[0]}?" if near else f"one of {', '.join(every)}",
        )  # fmt: skip
    return every[vmm]
