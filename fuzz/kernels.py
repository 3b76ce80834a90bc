"""Kernels, modules and lists of modules that nobody would make. `make fuzz`.

What is found goes, shortened (`-minimize_crash=1`), into `tests/unit/checks/test_hostile_kernels.py` as a test of its
own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

with atheris.instrument_imports(include=["bootworthy.kernels"]):
    from bootworthy.errors import BuildError
    from bootworthy.kernels import extract, formats
    from bootworthy.kernels.config import Config
    from bootworthy.kernels.modules import ModuleInfo, ModuleTree
    from tests.kernel_seeds import KERNELS, MODULES

_LISTS = ("modules.dep", "modules.builtin", "modules.builtin.modinfo", "modules.softdep", "modules.alias")


def _kernel(data: bytes) -> None:
    formats.identify(data)
    Config.embedded(extract.unpacked(data))


def _lists(data: bytes) -> None:
    """Parts of the input, between bytes of 0xFF, are the lists."""
    parts = dict(zip(_LISTS, data.split(b"\xff"), strict=False))
    tree = ModuleTree(parts.get)
    for path in tree:
        tree.closure([path])


TARGETS: tuple[Callable[[bytes], object], ...] = (_kernel, ModuleInfo.parse, _lists)


def one(data: bytes) -> None:
    """One input; its first byte says what the rest stands for."""
    try:
        TARGETS[data[0] % len(TARGETS) if data else 0](data[1:])
    except BuildError as error:
        if not error.code.startswith("kernel."):
            raise


def plant(folder: Path) -> None:
    """Begin with what the tests begin with."""
    folder.mkdir(parents=True, exist_ok=True)
    for first, seeds in ((0, KERNELS), (1, MODULES), (2, [b"k/a.ko: k/b.ko\nk/b.ko:\n\xffk/c.ko\n"])):
        for number, data in enumerate(seeds):
            (folder / f"{first}-{number}").write_bytes(bytes([first]) + data)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        plant(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
