"""The kernel can reach its root: the drivers of the machine's disks and the root's filesystem are there in time."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from bootworthy.checks.kernel_file import KernelFile
from bootworthy.checks.reading import told
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.kernels.initramfs import SYMBOLS
from bootworthy.kernels.modules import ModuleTree
from bootworthy.vocabulary import Finding, Severity

MISSING = Rule(
    id="drivers.missing", severity=Severity.ERROR, title="The kernel cannot reach its root",
    why="Without these drivers it finds no disk, or cannot mount it: it panics with `Unable to mount root fs`.",
    remedy="use a kernel that has them built in",
    source="Documentation/admin-guide/initrd.rst of Linux; the bus of the VMM in machines/",
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


class Had(Enum):
    """How a kernel has a driver."""

    BUILT_IN = 1
    MODULE = 2
    NOT = 3
    UNKNOWN = 4


def find(subject: Subject) -> Iterator[Finding]:
    """Ask for each driver between the machine and its root how the kernel has it."""
    kernel = subject.kernel_file
    if kernel is None or kernel.info is None or subject.root is None:
        return
    if kernel.config_fault is not None:
        fault = kernel.config_fault
        yield CONFIG.broken(fault.where or kernel.where, told(fault))
    wanted = (*subject.facts.bus.drivers, subject.filesystem)
    folder = subject.modules_folder
    tree = None if folder is None else folder.tree
    had = {driver: _had(driver, kernel, tree) for driver in wanted}
    yield from _missing(subject, kernel, [driver for driver, how in had.items() if how is Had.NOT])
    if subject.initrd is None:
        yield from _unloaded(subject, kernel, [driver for driver, how in had.items() if how is Had.MODULE])
        unknown = [driver for driver, how in had.items() if how is Had.UNKNOWN]
        if unknown:
            message = f"nothing says whether {_listed(unknown)} is built in, and no initial RAM disk brings it"
            yield UNKNOWN.broken(kernel.where, message)


def _had(driver: str, kernel: KernelFile, tree: ModuleTree | None) -> Had:
    symbol = SYMBOLS.get(driver)
    config = kernel.config
    if config is not None and symbol is not None:
        if config.builtin(symbol):
            return Had.BUILT_IN
        if config.module(symbol):
            return Had.MODULE
    if tree is not None and driver in tree.builtin:
        return Had.BUILT_IN
    if tree is not None and driver in tree:
        return Had.MODULE
    # A list of what is built in says what is not; so does a configuration, of drivers whose symbol we know.
    told = (config is not None and symbol is not None) or (tree is not None and bool(tree.builtin))
    return Had.NOT if told else Had.UNKNOWN


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


CHECK = Check(title="Drivers", rules=(MISSING, UNKNOWN, CONFIG), find=find)
