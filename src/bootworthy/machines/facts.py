"""What a VMM or a board takes and gives: kernel formats, bus, console, limits. Facts only; nothing starts anything.

A new VMM or hardware model is one new module in this folder that holds `FACTS`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
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
    HARDWARE = "hardware"
    """None of virtio's: disks are wherever the hardware has them."""

    @property
    def drivers(self) -> tuple[str, ...]:
        """Kernel modules a disk on this bus needs, by module name; what they need themselves is in `modules.dep`.

        Of hardware it is not known which disk there is.
        """
        if self is Bus.HARDWARE:
            return ()
        return (self.value.replace("-", "_"), "virtio_blk")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestKernel:
    """A series of guest kernels that a VMM's makers test it with."""

    series: str
    """`6.1`."""
    since: str
    """The first release of the VMM that is tested with it."""
    until: date | None = None
    """The day until which they promise to; None where they name none."""
    dropped: str | None = None
    """The first release that no longer is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFacts:
    """One VMM or one hardware model, as its own documents describe it."""

    vmm: str
    """Its name; of a hardware model, too."""
    title: str
    formats: Mapping[Architecture, tuple[KernelFormat, ...]] = field(hash=False)
    """Kernel formats it boots, best first."""
    formats_since: Mapping[KernelFormat, str] = field(default_factory=dict, hash=False)
    """The first release that boots a format, where it is known that older ones do not."""
    guests: tuple[GuestKernel, ...] = ()
    """Guest kernels that its makers support, oldest first; empty where they name none."""
    bus: Bus
    acpi: bool = False
    """Whether the guest finds its devices through ACPI alone."""
    consoles: Mapping[Architecture, str] = field(hash=False)
    """Serial console, by the name it has in the guest."""
    virtio_console: bool = False
    """Whether there is `hvc0` too."""
    command_line: tuple[str, ...] = ()
    """Arguments that every guest of this VMM needs, besides console and root."""
    command_line_limit: Mapping[Architecture, int] = field(default_factory=dict, hash=False)
    """Bytes of a kernel command line that it takes; it refuses more. None where nothing is said."""
    adds_root: bool = False
    """Whether it writes `root=/dev/vda` itself where a disk is said to be the root."""
    provides: frozenset[str] = frozenset()
    """What it can do and others cannot: `pci`."""
    max_vcpus: int
    smt_in_pairs: bool = False
    """Whether it refuses an odd number of vCPUs, above one, when its caller asks for two threads a core."""
    memory_mib: int = 1024
    """MiB that a guest gets unless the catalog says otherwise."""
    vcpus: int = 2
    """vCPUs that a guest gets unless the catalog says otherwise."""
    hardware: bool = False
    """Whether it is a hardware model: images are checked for it, and never booted here."""
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
    return {name: each for name, each in _every().items() if not each.hardware}


def boards() -> dict[str, MachineFacts]:
    """Every hardware model there is, by name."""
    return {name: each for name, each in _every().items() if each.hardware}


def _every() -> dict[str, MachineFacts]:
    return registry.scan("bootworthy.machines", "FACTS", MachineFacts)


def facts(vmm: str) -> MachineFacts:
    """The facts of one VMM, or of one hardware model.

    Raises:
        NotFoundError: `machine.unknown-vmm`.
    """
    every = _every()
    if vmm not in every:
        near = difflib.get_close_matches(vmm, every, 1)
        raise NotFoundError(
            "machine.unknown-vmm", f"no VMM is called {vmm!r}",
            hint=f"did you mean {near[0]}?" if near else f"one of {', '.join(known())}",
        )  # fmt: skip
    return every[vmm]
