"""A computer that is no particular model: whatever starts Linux through a boot loader of its own."""

from bootworthy.machines.facts import Bus, KernelFormat, MachineFacts
from bootworthy.vocabulary import Architecture

FACTS = MachineFacts(
    vmm="generic",
    title="Any computer",
    hardware=True,
    formats={Architecture.X86_64: (KernelFormat.BZIMAGE,), Architecture.AARCH64: (KernelFormat.IMAGE,)},
    bus=Bus.HARDWARE,
    consoles={Architecture.X86_64: "ttyS0", Architecture.AARCH64: "ttyAMA0"},
    # The most that Linux is built for on x86 (NR_CPUS_RANGE_END).
    max_vcpus=8192,
    source="Documentation/arch/x86/boot.rst and arch/arm64/booting.rst of Linux",
)
