"""The kernel can reach its root: the drivers of the machine's disks and the root's filesystem are there in time."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.checks import having, loading
from bootworthy.checks.having import Had
from bootworthy.checks.kernel_file import KernelFile
from bootworthy.checks.ram_disk import RamDisk
from bootworthy.checks.reading import shown, told
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.kernels.initramfs import SYMBOLS
from bootworthy.vocabulary import Finding, Severity

MISSING = Rule(
    id="drivers.missing", severity=Severity.ERROR, title="The kernel cannot reach its root",
    why="Without these drivers it finds no disk, or cannot mount it: it panics with `Unable to mount root fs`.",
    remedy="use a kernel that has them built in",
    source="Documentation/admin-guide/initrd.rst of Linux; the bus of the VMM in machines/",
)  # fmt: skip
ORDER = Rule(
    id="drivers.order", severity=Severity.ERROR, title="The initial RAM disk loads drivers in a wrong order",
    why="A module cannot be loaded before those whose symbols it uses: `Unknown symbol in module`, and no root.",
    remedy="build the initial RAM disk again from the modules of the kernel (`bootworthy build`)",
    source="modules.dep(5), and init.sh in kernels/",
)  # fmt: skip
CONSOLE = Rule(
    id="drivers.console", severity=Severity.WARNING, title="The kernel has no driver for the console",
    why="The guest runs and is silent: nobody sees whether it boots, and nobody can log in there.",
    remedy="use a kernel that has the driver built in",
    source="Documentation/admin-guide/serial-console.rst of Linux; the consoles of the VMM in machines/",
)  # fmt: skip
UNKNOWN = Rule(
    id="drivers.unknown", severity=Severity.NOTE, title="Nothing says which drivers the kernel has",
    why="The kernel image has no configuration and there is no list of what is built in, so only a boot can tell.",
    remedy="add /boot/config-RELEASE to the kernel image, or modules.builtin to the modules",
)  # fmt: skip
CONFIG = Rule(
    id="kernel.config-unreadable", severity=Severity.WARNING, title="The kernel's configuration cannot be read",
    why="Nobody can tell from it which drivers the kernel has.",
    remedy="put the configuration the kernel was built with into its image, as /boot/config-RELEASE",
    source="Documentation/kbuild/kconfig.rst of Linux",
)  # fmt: skip


# What a serial console needs cannot be a module.
_CONSOLES = {"ttyS": "SERIAL_8250_CONSOLE", "ttyAMA": "SERIAL_AMBA_PL011_CONSOLE", "hvc": "VIRTIO_CONSOLE"}


def find(subject: Subject) -> Iterator[Finding]:
    """Ask for each driver between the machine and its root how the kernel has it, or the initial RAM disk."""
    kernel = subject.kernel_file
    if kernel is None or kernel.info is None or subject.root is None:
        return
    if kernel.config_fault is not None:
        fault = kernel.config_fault
        yield CONFIG.broken(fault.where or kernel.where, told(fault))
    had = {driver: having.had(subject, driver) for driver in having.for_root(subject)}
    yield from _missing(subject, kernel, [driver for driver, how in had.items() if how is Had.NOT])
    modules = [driver for driver, how in had.items() if how is Had.MODULE]
    unknown = [driver for driver, how in had.items() if how is Had.UNKNOWN]
    disk = subject.ram_disk
    if subject.initrd is None:
        yield from _unloaded(subject, kernel, modules)
        yield from _unknown(kernel, unknown, "no initial RAM disk brings it")
    elif disk is not None and disk.inside is not None:
        yield from _brought(disk, [driver for driver in had if driver in modules or driver in disk.modules])
        yield from _unknown(
            kernel,
            [driver for driver in unknown if driver not in disk.modules],
            "the initial RAM disk does not bring it",
        )
    yield from _console(subject, kernel)


def _unknown(kernel: KernelFile, drivers: list[str], nor: str) -> Iterator[Finding]:
    if drivers:
        message = f"nothing says whether {_listed(drivers)} is built in, and {nor}"
        yield UNKNOWN.broken(kernel.where, message)


def _brought(disk: RamDisk, drivers: list[str]) -> Iterator[Finding]:
    """Whether an initial RAM disk brings drivers with all that they need, and loads them in order."""
    problems = loading.problems(disk, drivers)
    if problems.says():
        remedy = "build the initial RAM disk again from the modules of the kernel (`bootworthy build`)"
        yield MISSING.broken(disk.where, f"the initial RAM disk does not {problems.says()}", remedy=remedy)
    for late, needed in problems.late:
        yield ORDER.broken(disk.where, f"{late} is loaded before {needed}, which it needs")


def _console(subject: Subject, kernel: KernelFile) -> Iterator[Finding]:
    word = subject.arguments.last("console")
    said = word.value if word is not None else subject.facts.consoles.get(subject.architecture)
    name = (said or "").partition(",")[0]
    symbol = next((symbol for prefix, symbol in _CONSOLES.items() if name.startswith(prefix)), None)
    if symbol is None or kernel.config is None or kernel.config.builtin(symbol):
        return
    message = f"the kernel has no driver for the console {shown(name)}: CONFIG_{symbol} is not set"
    if kernel.config.module(symbol):
        if subject.ram_disk is not None and "virtio_console" in subject.ram_disk.modules:
            return
        message = f"the driver of the console {shown(name)} is a module, and nothing loads it early: CONFIG_{symbol}=m"
    yield CONSOLE.broken(kernel.where, message, remedy=f"use a kernel built with CONFIG_{symbol}=y")


def _missing(subject: Subject, kernel: KernelFile, drivers: list[str]) -> Iterator[Finding]:
    if not drivers:
        return
    needs = f"a guest of {subject.facts.title} needs to reach its {subject.filesystem} root"
    message = f"the kernel has no {_listed(drivers)}, which {needs}"
    symbols = [f"CONFIG_{SYMBOLS[driver]}=y" for driver in drivers if driver in SYMBOLS]
    remedy = f"use a kernel built with {', '.join(symbols)}" if symbols else ""
    yield MISSING.broken(kernel.where, message, remedy=remedy)


def _unloaded(subject: Subject, kernel: KernelFile, drivers: list[str]) -> Iterator[Finding]:
    if not drivers:
        return
    are, them = ("are modules", "them") if len(drivers) > 1 else ("is a module", "it")
    message = f"{_listed(drivers)} {are} of the kernel, and there is no initial RAM disk to load {them}"
    add = f"add an initial RAM disk for {subject.facts.vmm} (`bootworthy build` makes one)"
    yield MISSING.broken(kernel.where, message, remedy=f"{add}, or use a kernel that has {them} built in")


def _listed(drivers: list[str]) -> str:
    return ", ".join(drivers[:-1]) + " and " + drivers[-1] if len(drivers) > 1 else drivers[0]


CHECK = Check(title="Drivers", rules=(MISSING, ORDER, CONSOLE, UNKNOWN, CONFIG), find=find)
