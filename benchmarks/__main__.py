"""`python -m benchmarks`: make the inputs, run everyone in turn, print tables and keep JSON."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import checking, contenders, inputs, memory, reflinks, registries, tables
from benchmarks.contenders import FLOOR, OURS, Contender, Job
from benchmarks.measure import NotMeasuredError, Run, run
from benchmarks.tables import Row

_LIMIT = 600.0
_SLOW = 15.0
"""Another tool that takes longer in the first round is measured once."""
_INPUTS = ["debian", "large", "flat", "many", "huge", "next", "check", "registry"]
_ROOT = Path(__file__).resolve().parent.parent


def main(words: Sequence[str]) -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is run (5)")
    parser.add_argument("--input", action="append", choices=_INPUTS)
    parser.add_argument("--only", action="append", help="leave out contenders whose name has none of these words in it")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    asked = parser.parse_args(words)
    home = Path(os.environ.get("BENCH_HOME") or Path(tempfile.gettempdir()) / "bootworthy-bench").absolute()
    (home / "inputs").mkdir(parents=True, exist_ok=True)
    compileall.compile_dir(_ROOT / "src", quiet=1)  # as installed programs are; else each start does it
    found: dict[str, object] = {"schema": "bootworthy.benchmarks/1", "machine": tables.machine()}
    print(", ".join(f"{key} {value}" for key, value in tables.machine().items()))
    for name in asked.input or _INPUTS:
        if name == "next":
            found[name] = _next(home, asked.rounds)
        elif name == "check":
            found[name] = checking.measured(home, asked.rounds)
        elif name == "registry":
            found[name] = registries.measured(home, asked.rounds)
        else:
            found[name] = _cold(home, name, asked.rounds, asked.only)
        if asked.json is not None:
            asked.json.write_text(json.dumps(found, indent=1))


def _cold(home: Path, name: str, rounds: int, only: Sequence[str] | None) -> object:
    """Everyone on one input, with nothing cached."""
    layout = inputs.make(home, name)
    job = Job(home, layout, contenders.roomy(layout), contenders.enough(layout))
    chosen = [each for each in contenders.every() if not only or any(word in each.name for word in only)]
    rows = {each.name: Row(each.name, each.makes) for each in chosen}
    for number in range(rounds):
        for each in chosen:
            _measure(home, each, job, rows[each.name], number)
    size = contenders.inflated(layout)
    print(f"\n## {name}: {size / 1e6:.0f} MB of tar\n")
    base = rows.get(FLOOR) or next(iter(rows.values()))
    ours = rows.get(OURS, base)
    print(tables.table(list(rows.values()), size, base if base.runs else ours))
    if ours.runs:
        print(*(f"\n{OURS} against {row.name}: {tables.ratio(row, ours):.2f} x as fast" for row in rows.values()
                if row.runs and row is not ours), sep="")  # fmt: skip
    return [row.as_json(size) for row in rows.values()]


def _measure(home: Path, contender: Contender, job: Job, row: Row, number: int) -> None:
    slow = number and row.name not in {OURS, FLOOR} and row.runs and row.runs[0].seconds > _SLOW
    if row.reason or slow:
        return
    try:
        row.runs.append(_one(home / "work", contender.command(job), job.size))
        print(f"{job.layout.name}, round {number + 1}: {row.name} {row.runs[-1].seconds:.2f} s", file=sys.stderr)
    except NotMeasuredError as error:
        row.reason = str(error)
        row.runs.clear()


def _one(folder: Path, command: str, size: int) -> Run:
    """One run in a new folder, which is gone before the next one begins, on disk too."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.sync()
    memory.warm(size)
    try:
        return run(command, folder, {"PYTHONPATH": str(_ROOT)}, _LIMIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _next(home: Path, rounds: int) -> object:
    """One 50 MB layer of six changed, the others cached, against nothing cached; here and where blocks are shared."""
    found: dict[str, object] = {"here": _next_on(home, home / "next", rounds, "this filesystem")}
    try:
        with reflinks.mounted(home) as (folder, name):
            found[name] = _next_on(home, folder / "next", rounds, name)
    except NotMeasuredError as error:
        print(f"\nnext version with reflinks: not measured: {error}")
        found["reflinks"] = {"not-measured": str(error)}
    return found


def _next_on(home: Path, folder: Path, rounds: int, where: str) -> object:
    first, second = inputs.make(home, "large"), inputs.make(home, "large-next")
    cold, warm = Row("nothing cached", "ext4, writable"), Row("five of six layers cached", "ext4, writable")
    for _ in range(rounds):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for layout, row in ((first, cold), (second, warm)):
            os.sync()
            command = f"BOOTWORTHY_CACHE=$PWD/cache {contenders.ours()} convert oci:{layout}:bench --to ext4 -o out"
            memory.warm(contenders.inflated(layout))
            row.runs.append(run(command, folder, {}, _LIMIT))
    shutil.rmtree(folder, ignore_errors=True)
    size = contenders.inflated(second)
    print(f"\n## next version, on {where}\n\n{tables.table([cold, warm], size, cold)}")
    return [row.as_json(size) for row in (cold, warm)]


if __name__ == "__main__":
    main(sys.argv[1:])
