"""How a kernel has a driver: built in, as a module, or not; as its configuration and the lists of its modules say."""

from __future__ import annotations

from enum import Enum

from bootworthy.checks.subject import Subject
from bootworthy.kernels.initramfs import SYMBOLS
from bootworthy.kernels.modules import ModuleTree


class Had(Enum):
    """How a kernel has a driver."""

    BUILT_IN = 1
    MODULE = 2
    NOT = 3
    UNKNOWN = 4


def for_root(subject: Subject) -> tuple[str, ...]:
    """The drivers between the machine and its root: those of its bus and disks, and the root's filesystem."""
    return (*subject.facts.bus.drivers, subject.filesystem)


def had(subject: Subject, driver: str, symbol: str | None = None) -> Had:
    """How the kernel has a driver, by the name of its module; `symbol` when it is none of `SYMBOLS`."""
    symbol = symbol or SYMBOLS.get(driver)
    config = None if subject.kernel_file is None else subject.kernel_file.config
    if config is not None and symbol is not None and config.enabled(symbol):
        return Had.BUILT_IN if config.builtin(symbol) else Had.MODULE
    trees = _trees(subject)
    if any(driver in tree.builtin for tree in trees):
        return Had.BUILT_IN
    disk = subject.ram_disk
    if any(driver in tree for tree in trees) or (disk is not None and driver in disk.modules):
        return Had.MODULE
    # A list of what is built in says what is not; so does a configuration, of drivers whose symbol we know.
    told = (config is not None and symbol is not None) or any(tree.builtin for tree in trees)
    return Had.NOT if told else Had.UNKNOWN


def _trees(subject: Subject) -> list[ModuleTree]:
    """The lists of modules that there are: beside the kernel, and in the initial RAM disk."""
    folder, disk = subject.modules_folder, subject.ram_disk
    found = (None if folder is None else folder.tree, None if disk is None else disk.lists)
    return [tree for tree in found if tree is not None]
