"""Raspberry Pi 4."""

from bootworthy.machines.facts import Bus, KernelFormat, MachineFacts
from bootworthy.vocabulary import Architecture

FACTS = MachineFacts(
    vmm="rpi4",
    title="Raspberry Pi 4",
    hardware=True,
    formats={Architecture.AARCH64: (KernelFormat.IMAGE,)},
    bus=Bus.HARDWARE,
    # The small UART of the BCM2711, which `enable_uart=1` in config.txt puts on the pins.
    consoles={Architecture.AARCH64: "ttyS0"},
    max_vcpus=4,
    vcpus=4,
    source="Raspberry Pi documentation: processors (BCM2711), configuration of UARTs",
)
