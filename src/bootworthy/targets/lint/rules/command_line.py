"""The kernel command line: its length, its order, its console."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.machine import Kind, Machine
from bootworthy.targets.lint.rule import Family, Fault, Rule, each
from bootworthy.targets.lint.tree import Node
from bootworthy.vocabulary import Severity

LENGTH = Rule(
    id="LM-022", severity=Severity.ERROR, title="The kernel gets another command line than this",
    why="Firecracker takes 2048 bytes, the network configuration among them. Flintlock keeps arguments in a map: none "
    "can stand twice, their order is any, and a value with a blank becomes several arguments.",
    remedy="shorten it; give each argument once, and no value with a blank",
    source="firecracker, CMDLINE_MAX_SIZE; flintlock v0.11.0, infrastructure/microvm/firecracker/create.go",
)  # fmt: skip
CONSOLE = Rule(
    id="LM-024", severity=Severity.WARNING, title="An argument is for another VMM",
    why="Firecracker has a serial port, ttyS0, and Cloud Hypervisor hvc0: with the other one the guest boots unseen. "
    "Cloud Hypervisor's disks are PCI devices, which `pci=off` takes away.",
    remedy="console=ttyS0 for Firecracker, console=hvc0 for Cloud Hypervisor, and no pci=off there",
    source="flintlock v0.11.0, its default command lines",
)  # fmt: skip

_LONGEST = 2047
_DEFAULT = 152
"""Bytes of Flintlock's own arguments."""
_PER_INTERFACE = 190
"""About what the configuration of one interface takes as base64."""
_OTHERS = {"firecracker": "hvc0", "cloudhypervisor": "ttyS0"}


def find(machine: Machine, _asked: Asked) -> Iterator[Fault]:
    """Look at the arguments of the kernel."""
    arguments = machine.get("boot", "boot_args") if machine.kind is Kind.FIRECRACKER else machine.arguments
    if arguments is None:
        return
    if arguments.text is not None:
        yield from _line(machine, arguments, arguments.text)
    elif machine.kind.liquid_metal:
        yield from _map(machine, arguments)


def _line(machine: Machine, node: Node, text: str) -> Iterator[Fault]:
    size = len(text.encode())
    if size > _LONGEST:
        yield LENGTH.broken(node.span, f"the command line has {size} bytes, and Firecracker takes {_LONGEST}")
    consoles = [word.partition("=")[2] for word in text.split() if word.startswith("console=")]
    if machine.kind is Kind.FIRECRACKER and consoles and all(each_.startswith("hvc") for each_ in consoles):
        yield CONSOLE.broken(node.span, "Firecracker has no console hvc0")


def _map(machine: Machine, node: Node) -> Iterator[Fault]:
    words = []
    for key, entry in node.entries.items():
        value = "" if entry.node.value is None else str(entry.node.value)
        words.append(f"{key}={value}" if value else key)
        if any(character.isspace() for character in value):
            message = f"the value of {key!r} has a blank, and nothing quotes it"
            yield LENGTH.broken(entry.node.span, message, severity=Severity.WARNING)
        if key == "console" and value.partition(",")[0] == _OTHERS.get(machine.vmm):
            yield CONSOLE.broken(entry.node.span, f"{machine.vmm} has no console {value.partition(',')[0]}")
        if key == "pci" and value == "off" and machine.vmm == "cloudhypervisor":
            yield CONSOLE.broken(entry.node.span, "Cloud Hypervisor's disks are PCI devices")
    if machine.vmm != "firecracker":
        return
    config = machine.names.get(machine.kernel, "network-config") if machine.kernel else None
    sent = machine.kind.operator or (config is not None and config.value is True)
    size = len(" ".join(words).encode()) + _DEFAULT + _PER_INTERFACE * (len(machine.interfaces) + 1) * sent
    if size > _LONGEST:
        message = f"the command line has about {size} bytes with what Flintlock adds, and Firecracker takes {_LONGEST}"
        yield LENGTH.broken(node.span, message)


FAMILY = Family(title="Kernel command line", rules=(LENGTH, CONSOLE), find=each(find))
