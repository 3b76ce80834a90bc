"""QEMU's `microvm` machine type."""

from bootworthy.machines.facts import Bus, KernelFormat, MachineFacts
from bootworthy.vocabulary import Architecture

FACTS = MachineFacts(
    vmm="qemu-microvm",
    title="QEMU microvm",
    # An ELF without the PVH note is refused by QEMU's own loader.
    formats={Architecture.X86_64: (KernelFormat.PVH, KernelFormat.BZIMAGE)},
    bus=Bus.VIRTIO_MMIO,
    # With `acpi=on`, which we give, it leaves the devices out of the kernel command line.
    acpi=True,
    consoles={Architecture.X86_64: "ttyS0"},
    # It has no keyboard controller to reset through; a triple fault is what its documents advise.
    command_line=("reboot=t",),
    max_vcpus=288,
    source="QEMU documentation, system/i386/microvm",
)
