"""Firecracker."""

from datetime import date

from bootworthy.machines.facts import Bus, GuestKernel, KernelFormat, MachineFacts
from bootworthy.vocabulary import Architecture

FACTS = MachineFacts(
    vmm="firecracker",
    title="Firecracker",
    # Its main branch takes a bzImage since 2026-07-17 (pull request 6037); no release up to 1.16.2 does.
    formats={Architecture.X86_64: (KernelFormat.ELF, KernelFormat.PVH), Architecture.AARCH64: (KernelFormat.IMAGE,)},
    # The dates are the table's "min. end of support". 4.14 was deprecated in 1.9.0 and removed with 1.10.0.
    guests=(
        GuestKernel(series="4.14", since="1.0.0", dropped="1.10.0"),
        GuestKernel(series="5.10", since="1.0.0", until=date(2024, 1, 31)),
        GuestKernel(series="6.1", since="1.9.0", until=date(2026, 9, 2)),
        GuestKernel(series="6.18", since="1.16.1", until=date(2028, 6, 1)),
    ),
    bus=Bus.VIRTIO_MMIO,
    consoles={Architecture.X86_64: "ttyS0", Architecture.AARCH64: "ttyS0"},
    # `reboot=k` is how a guest ends its VMM. Never its own default line: that has `nomodule`, and no module loads.
    command_line=("reboot=k", "pci=off"),
    # Its buffer has 2048 bytes, and one of them ends the line.
    command_line_limit={Architecture.X86_64: 2047, Architecture.AARCH64: 2047},
    adds_root=True,
    max_vcpus=32,
    smt_in_pairs=True,
    source="Firecracker documentation, kernel-policy, getting-started and CHANGELOG (1.16.2); "
    "CMDLINE_MAX_SIZE in its layout.rs",
)
