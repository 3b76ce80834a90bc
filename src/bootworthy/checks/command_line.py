"""The kernel command line reaches the kernel whole, and switches nothing off that the machine needs."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.checks.reading import shown
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import ARGUMENTS, Subject
from bootworthy.kernels.command_line import LIMIT
from bootworthy.kernels.initramfs import SYMBOLS
from bootworthy.machines.facts import Bus
from bootworthy.vocabulary import Architecture, Finding, Severity

_PARAMETERS = "Documentation/admin-guide/kernel-parameters.rst and .txt of Linux"

TOO_LONG = Rule(
    id="cmdline.too-long", severity=Severity.ERROR, title="The kernel command line is too long",
    why="The VMM refuses to start the guest; where it takes the line, an x86_64 kernel dies before its first word, and"
    " an aarch64 kernel loses the end of it.",
    remedy="say less on it: network and cloud-init configuration fit on a disk or a metadata service",
    source="the facts of the VMM in machines/; COMMAND_LINE_SIZE in the setup.h of Linux for x86 and arm64; booted with"
    " QEMU 10.0 and Debian's kernel 6.1",
)  # fmt: skip
QUOTE = Rule(
    id="cmdline.quote", severity=Severity.WARNING, title="A quote on the kernel command line never ends",
    why="All that is behind it becomes the end of one word, and says nothing of its own.",
    remedy='close the quote; a value with spaces is written name="a value"', source=_PARAMETERS,
)  # fmt: skip
CONTRADICTION = Rule(
    id="cmdline.contradiction", severity=Severity.WARNING, title="The kernel command line contradicts itself",
    why="The last word counts, and which is the last depends on whoever puts the line together.",
    remedy="say it once", source=_PARAMETERS,
)  # fmt: skip
NO_MODULE = Rule(
    id="cmdline.nomodule", severity=Severity.ERROR, title="The kernel is told to load no modules",
    why="Every module is refused: a root behind a driver that is one is never found, and what comes later fails"
    " without a word.",
    remedy="leave `nomodule` out; Firecracker puts it there where it is given no boot_args",
    source=f"{_PARAMETERS}; DEFAULT_KERNEL_CMDLINE of Firecracker",
)  # fmt: skip
PCI_OFF = Rule(
    id="cmdline.pci-off", severity=Severity.ERROR, title="PCI is switched off, and the devices are on it",
    why="The kernel finds no disk and panics: `Unable to mount root fs`.",
    remedy="leave `pci=off` out on this machine", source=f"{_PARAMETERS}; the bus of the VMM in machines/",
)  # fmt: skip
ACPI_OFF = Rule(
    id="cmdline.acpi-off", severity=Severity.ERROR, title="ACPI is switched off, and the devices are described there",
    why="The kernel finds neither its interrupts nor its disks: the guest hangs, or panics.",
    remedy="leave `acpi=off` out on this machine", source=f"{_PARAMETERS}; QEMU documentation, system/i386/microvm",
)  # fmt: skip

_ONCE = ("root", "rootfstype", "rootflags", "init", "rdinit", "panic")
"""Parameters of which one counts."""


def find(subject: Subject) -> Iterator[Finding]:
    """Read the line as the kernel does, and compare it with the machine."""
    line = subject.arguments
    yield from _length(subject)
    if line.open_quote:
        last = line.init[-1] if line.init else line.words[-1].text
        yield QUOTE.broken(ARGUMENTS, f"a quote in {shown(last)} never ends")
    yield from _twice(subject)
    yield from _modules(subject)
    if subject.architecture is Architecture.X86_64:
        yield from _switched_off(subject)


def _length(subject: Subject) -> Iterator[Finding]:
    size = len(" ".join(subject.command_line).encode(errors="surrogateescape"))
    limit = subject.facts.command_line_limit.get(subject.architecture)
    if limit is not None and size > limit:
        yield TOO_LONG.broken(ARGUMENTS, f"it has {size} bytes, and {subject.facts.title} takes no more than {limit}")
    elif size > LIMIT:
        lost = shown(subject.arguments.lost)
        message = f"it has {size} bytes, and the kernel has room for {LIMIT}; behind them is: {lost}"
        yield TOO_LONG.broken(ARGUMENTS, message)


def _twice(subject: Subject) -> Iterator[Finding]:
    line = subject.arguments
    said = [line.all(name) for name in _ONCE]
    said.append(tuple(word for word in line.words if word.text in {"ro", "rw"}))
    for words in said:
        if len({word.text for word in words}) > 1:
            listed = " and ".join(dict.fromkeys(shown(word.text) for word in words))
            yield CONTRADICTION.broken(ARGUMENTS, f"it says {listed}; the kernel takes {shown(words[-1].text)}")


def _modules(subject: Subject) -> Iterator[Finding]:
    word = subject.arguments.last("nomodule")
    if word is None or not word.on:
        return
    needed = _root_modules(subject)
    if needed:
        message = f"{word.text} forbids to load {', '.join(needed)}, without which the root is not reached"
        yield NO_MODULE.broken(ARGUMENTS, message)
    elif subject.modules_folder is not None:
        message = f"{word.text} makes the modules useless: {subject.modules_folder.where}"
        yield NO_MODULE.broken(ARGUMENTS, message, severity=Severity.WARNING)


def _root_modules(subject: Subject) -> list[str]:
    """Drivers between the machine and its root that are modules of the kernel."""
    kernel = subject.kernel_file
    if kernel is None or kernel.config is None:
        return ["the modules of the initial RAM disk"] if subject.initrd_is_ours else []
    drivers = (*subject.facts.bus.drivers, subject.filesystem)
    return [driver for driver in drivers if driver in SYMBOLS and kernel.config.module(SYMBOLS[driver])]


def _switched_off(subject: Subject) -> Iterator[Finding]:
    facts = subject.facts
    pci = next((word for word in subject.arguments.all("pci") if "off" in (word.value or "").split(",")), None)
    if pci is not None and facts.bus is Bus.VIRTIO_PCI:
        yield PCI_OFF.broken(ARGUMENTS, f"{shown(pci.text)} hides the disks, which {facts.title} has on PCI")
    elif pci is not None and "pci" in subject.devices:
        message = f"{shown(pci.text)} hides the PCI devices that the machine has; its disks are not on PCI"
        yield PCI_OFF.broken(ARGUMENTS, message, severity=Severity.WARNING)
    acpi = subject.arguments.last("acpi")
    if acpi is not None and acpi.value == "off" and facts.acpi:
        yield ACPI_OFF.broken(ARGUMENTS, f"{acpi.text} hides the disks, which {facts.title} describes in ACPI alone")


CHECK = Check(
    title="Kernel command line", rules=(TOO_LONG, QUOTE, CONTRADICTION, NO_MODULE, PCI_OFF, ACPI_OFF), find=find
)
