import pytest

from bootworthy.errors import NotFoundError
from bootworthy.machines.facts import Bus, KernelFormat, MachineFacts, facts, known
from bootworthy.vocabulary import Architecture


def test_the_vmms_that_are_known() -> None:
    assert list(known()) == ["cloud-hypervisor", "firecracker", "qemu-microvm"]


@pytest.mark.parametrize("one", known().values(), ids=known())
def test_facts_are_whole(one: MachineFacts) -> None:
    assert facts(one.vmm) is one
    assert one.title
    assert one.source
    assert one.architectures == set(one.consoles)
    for architecture in one.architectures:
        assert one.console(architecture).startswith("tty")
        assert one.kernel_formats(architecture)
    assert 2 <= one.vcpus <= one.max_vcpus
    assert not [word for word in one.command_line if word.startswith(("console=", "root=", "nomodule"))]
    hash(one)


@pytest.mark.parametrize(
    ("vmm", "architecture", "formats", "bus", "console"),
    [
        ("qemu-microvm", "x86_64", {KernelFormat.PVH, KernelFormat.BZIMAGE}, Bus.VIRTIO_MMIO, "ttyS0"),
        ("firecracker", "x86_64", {KernelFormat.ELF, KernelFormat.PVH}, Bus.VIRTIO_MMIO, "ttyS0"),
        ("firecracker", "aarch64", {KernelFormat.IMAGE}, Bus.VIRTIO_MMIO, "ttyS0"),
        ("cloud-hypervisor", "x86_64", {KernelFormat.PVH, KernelFormat.BZIMAGE}, Bus.VIRTIO_PCI, "ttyS0"),
        ("cloud-hypervisor", "aarch64", {KernelFormat.IMAGE}, Bus.VIRTIO_PCI, "ttyAMA0"),
    ],
)
def test_what_each_one_boots(
    vmm: str, architecture: str, formats: set[KernelFormat], bus: Bus, console: str
) -> None:  # fmt: skip
    one = facts(vmm)
    assert set(one.kernel_formats(Architecture(architecture))) == formats
    assert (one.bus, one.console(Architecture(architecture))) == (bus, console)


def test_only_a_bus_of_its_own_provides_pci() -> None:
    assert {name for name, one in known().items() if "pci" in one.provides} == {"cloud-hypervisor"}


def test_drivers_of_a_disk() -> None:
    assert Bus.VIRTIO_MMIO.drivers == ("virtio_mmio", "virtio_blk")
    assert Bus.VIRTIO_PCI.drivers == ("virtio_pci", "virtio_blk")


def test_an_unknown_vmm_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFoundError) as caught:
        facts("firecraker")
    assert (caught.value.code, caught.value.hint) == ("machine.unknown-vmm", "did you mean firecracker?")


def test_an_architecture_it_does_not_run_on() -> None:
    for ask in (facts("qemu-microvm").console, facts("qemu-microvm").kernel_formats):
        with pytest.raises(NotFoundError) as caught:
            ask(Architecture.AARCH64)
        assert caught.value.hint == "it runs on x86_64"
