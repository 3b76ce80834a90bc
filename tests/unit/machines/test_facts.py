import pytest

from bootworthy.catalog.versions import Version
from bootworthy.errors import NotFoundError
from bootworthy.machines.facts import Bus, KernelFormat, MachineFacts, boards, facts, known
from bootworthy.vocabulary import Architecture


def test_the_vmms_that_are_known() -> None:
    assert list(known()) == ["cloud-hypervisor", "firecracker", "qemu-microvm"]


def test_the_hardware_that_is_known() -> None:
    assert list(boards()) == ["generic", "rpi3", "rpi4"]
    assert all(facts(name) is board and board.hardware for name, board in boards().items())
    assert not any(vmm.hardware for vmm in known().values())
    assert {board.bus for board in boards().values()} == {Bus.HARDWARE}
    assert Bus.HARDWARE.drivers == ()
    for name in ("rpi3", "rpi4"):
        assert boards()[name].formats == {Architecture.AARCH64: (KernelFormat.IMAGE,)}


@pytest.mark.parametrize("one", (known() | boards()).values(), ids=known() | boards())
def test_facts_are_whole(one: MachineFacts) -> None:
    assert facts(one.vmm) is one
    assert one.title
    assert one.source
    assert one.architectures == set(one.consoles)
    for architecture in one.architectures:
        assert one.console(architecture).startswith("tty")
        assert one.kernel_formats(architecture)
    assert 2 <= one.vcpus <= one.max_vcpus
    assert set(one.command_line_limit) <= one.architectures
    assert set(one.formats_since) <= {form for forms in one.formats.values() for form in forms}
    series = [tuple(map(int, guest.series.split("."))) for guest in one.guests]
    assert series == sorted(set(series))
    for version in (*one.formats_since.values(), *(guest.since for guest in one.guests)):
        Version(version)  # raises when it is none
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


def test_the_guest_kernels_of_firecracker() -> None:
    """As its kernel policy has them."""
    assert [(each.series, each.since, str(each.until)) for each in facts("firecracker").guests if not each.dropped] == [
        ("5.10", "1.0.0", "2024-01-31"), ("6.1", "1.9.0", "2026-09-02"), ("6.18", "1.16.1", "2028-06-01"),
    ]  # fmt: skip


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
