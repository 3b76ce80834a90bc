"""Cloud Hypervisor."""

from bootworthy.machines.facts import Bus, KernelFormat, MachineFacts
from bootworthy.vocabulary import Architecture

FACTS = MachineFacts(
    vmm="cloud-hypervisor",
    title="Cloud Hypervisor",
    formats={
        Architecture.X86_64: (KernelFormat.PVH, KernelFormat.BZIMAGE),
        Architecture.AARCH64: (KernelFormat.IMAGE,),
    },
    formats_since={KernelFormat.BZIMAGE: "39.0"},
    bus=Bus.VIRTIO_PCI,
    # The serial port (`--serial`), not the virtio console: it shows the kernel's first lines, hvc0 does not.
    consoles={Architecture.X86_64: "ttyS0", Architecture.AARCH64: "ttyAMA0"},
    virtio_console=True,
    # Buffers of 64 KiB and of 2048 bytes, and one byte ends the line.
    command_line_limit={Architecture.X86_64: 65535, Architecture.AARCH64: 2047},
    provides=frozenset({"pci"}),
    max_vcpus=254,
    source="Cloud Hypervisor README and docs/cpu; 254 vCPUs is what every release takes; pull request 6200, released "
    "with 39.0 (bzImage); CMDLINE_MAX_SIZE in its layout.rs",
)
