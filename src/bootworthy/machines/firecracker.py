"""Firecracker."""

from bootworthy.machines.facts import Bus, KernelFormat, MachineFacts
from bootworthy.vocabulary import Architecture

FACTS = MachineFacts(
    vmm="firecracker",
    title="Firecracker",
    formats={Architecture.X86_64: (KernelFormat.ELF, KernelFormat.PVH), Architecture.AARCH64: (KernelFormat.IMAGE,)},
    bus=Bus.VIRTIO_MMIO,
    consoles={Architecture.X86_64: "ttyS0", Architecture.AARCH64: "ttyS0"},
    # `reboot=k` is how a guest ends its VMM. Never its own default line: that has `nomodule`, and no module loads.
    command_line=("reboot=k", "pci=off"),
    max_vcpus=32,
    source="Firecracker documentation, kernel-policy and getting-started",
)
