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
    bus=Bus.VIRTIO_PCI,
    # The serial port (`--serial`), not the virtio console: it shows the kernel's first lines, hvc0 does not.
    consoles={Architecture.X86_64: "ttyS0", Architecture.AARCH64: "ttyAMA0"},
    provides=frozenset({"pci"}),
    max_vcpus=254,
    source="Cloud Hypervisor README and docs/cpu; 254 vCPUs is what every release takes",
)
