"""A check of a large image whose layers were taken in before, beside a program of ours that does nothing."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks import contenders, inputs, layouts, tables
from benchmarks.measure import run
from benchmarks.tables import Row

_LIMIT = 600.0
_HERE = "BOOTWORTHY_DATA=$PWD/data BOOTWORTHY_CACHE=$PWD/cache BOOTWORTHY_STATE=$PWD/state"


def measured(home: Path, rounds: int) -> object:
    """Every rule over the large image, and `--version`, in turn; a table is printed."""
    layout = inputs.make(home, "large")
    folder = home / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # It has no kernel, and that is an error: all the other rules are asked, too.
    check = f"check --root oci:{layout}:{layouts.TAG} --vmm qemu-microvm --arch x86_64 --json || test $? = 1"
    rows = {"--version": Row("--version", "nothing"), check: Row("check", "findings")}
    run(f"{_HERE} {contenders.ours()} {check}", folder, {}, _LIMIT)
    for number in range(rounds):
        for words, row in rows.items():
            row.runs.append(run(f"{_HERE} {contenders.ours()} {words}", folder, {}, _LIMIT))
            print(f"check, round {number + 1}: {row.name} {row.runs[-1].seconds:.2f} s", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    size = contenders.inflated(layout)
    found = list(rows.values())
    print(f"\n## check of {size / 1e6:.0f} MB of tar, layers taken in before\n\n{tables.table(found, size, found[0])}")
    return [row.as_json(size) for row in found]
