"""Layers that nobody would make, found by what they reach: `make fuzz`, or a folder and arguments of libFuzzer.

What is found goes, shortened (`-minimize_crash=1`), into `tests/unit/layers` as a test of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

with atheris.instrument_imports(include=["bootworthy.layers"]):
    from tests import hostile
    from tests.seeds import SEEDS


def one(data: bytes) -> None:
    """One input: `hostile.layers_in` says what it stands for."""
    hostile.check(*hostile.layers_in(data))


def plant(folder: Path) -> None:
    """Begin with what the tests begin with, as it is and mended, alone and twice."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in SEEDS.items():
        for first in range(4):
            content = data + bytes(-len(data) % 512) + data if first & 2 else data
            (folder / f"{name}-{first}").write_bytes(bytes([first]) + content)


if __name__ == "__main__":
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        plant(Path(sys.argv[1]))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
