"""What was measured, for people and for programs."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Run


@dataclass(slots=True)
class Row:
    """One contender on one input."""

    name: str
    makes: str
    runs: list[Run] = field(default_factory=list)
    reason: str = ""
    """Why it was not measured."""

    @property
    def seconds(self) -> float:
        """The median."""
        return statistics.median(run.seconds for run in self.runs)

    def as_json(self, size: int) -> dict[str, object]:
        """For programs; `size` is of the input, in bytes."""
        if not self.runs:
            return {"name": self.name, "makes": self.makes, "not-measured": self.reason}
        return {
            "name": self.name, "makes": self.makes, "seconds": [round(run.seconds, 3) for run in self.runs],
            "median-seconds": round(self.seconds, 3), "megabytes-per-second": round(size / 1e6 / self.seconds, 1),
            "processor-seconds": round(statistics.median(run.processor for run in self.runs), 3),
            "peak-memory": max(run.memory for run in self.runs),
            "bytes-written": round(statistics.median(run.written for run in self.runs)),
        }  # fmt: skip


def ratio(row: Row, other: Row) -> float:
    """The median of the quotients of runs of the same round, so that a machine that changes speed changes nothing."""
    pairs = zip(row.runs, other.runs, strict=False)
    return statistics.median(one.seconds / two.seconds for one, two in pairs)


def table(rows: Sequence[Row], size: int, base: Row) -> str:
    """A Markdown table; ratios are to `base`."""
    lines = [
        f"| | makes | seconds | MB/s | x {base.name} | CPU s | peak MiB | written MB | rounds |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        if not row.runs:
            lines.append(f"| {row.name} | {row.makes} | not measured: {row.reason} | | | | | | |")
            continue
        processor = statistics.median(run.processor for run in row.runs)
        memory = max(run.memory for run in row.runs) >> 20
        written = statistics.median(run.written for run in row.runs) / 1e6
        lines.append(
            f"| {row.name} | {row.makes} | {row.seconds:.2f} | {size / 1e6 / row.seconds:.0f} | "
            f"{ratio(row, base):.2f} | {processor:.1f} | {memory} | {written:.0f} | {len(row.runs)} |"
        )
    return "\n".join(lines)


def machine() -> Mapping[str, object]:
    """What the figures come from."""
    names = _after("/proc/cpuinfo", "model name") or [platform.processor() or "unknown"]
    memory = _after("/proc/meminfo", "MemTotal")
    return {
        "cpus": os.cpu_count(), "cpu": next(iter(names)), "memory": next(iter(memory), "unknown"),
        "kernel": platform.release(), "python": platform.python_version(),
    }  # fmt: skip


def _after(path: str, key: str) -> list[str]:
    try:
        lines: Iterable[str] = Path(path).read_text().splitlines()
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.startswith(key)]
