"""From the rows of a matrix to its cells.

A cell is promised once. Where a row that names all three parts outright (no glob) meets rows with globs, the
plain one wins, wherever it stands: it is the exception to their rule. Two rows of the same kind that make the same
cell are a mistake, since nobody could say which one counts.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bootworthy.catalog.entries import EMBEDDED, Cell, Kernel, Machine, Row, System

Note = Callable[[str, str, tuple[str | int, ...], str | None], None]
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What rows choose from."""

    systems: Mapping[str, System]
    kernels: Mapping[str, Kernel]
    """With the embedded one."""
    machines: Mapping[str, Machine]


def is_glob(text: str) -> bool:
    """Whether it is a glob, not a name."""
    return any(character in text for character in "*?[")


def cells(rows: tuple[Row, ...], lines: Sequence[int], parts: Parts, note: Note) -> tuple[Cell, ...]:
    """The cells, in the order in which rows, and lists in them, name them first; `lines` says where rows stand."""
    made: dict[str, tuple[Cell, int, bool]] = {}
    for index, row in enumerate(rows):
        plain = not any(map(is_glob, [*row.systems, *row.kernels, *row.machines]))
        for cell in _of_row(row, index, parts, note):
            before = made.get(cell.name)
            if before is None or (plain and not before[2]):
                made[cell.name] = (cell, index, plain)
            elif plain == before[2]:
                note(
                    "catalog.duplicate-cell", f"the row of line {lines[before[1]]} makes {cell.name} too",
                    ("matrix", index),
                    "remove it from one of them; only a row without globs overrides one with globs",
                )  # fmt: skip
    return tuple(cell for cell, _, _ in made.values())


def _of_row(row: Row, index: int, parts: Parts, note: Note) -> list[Cell]:
    here = ("matrix", index)
    declared = [name for name in parts.kernels if name != EMBEDDED]
    systems = _chosen(row.systems, parts.systems, parts.systems)
    kernels = _chosen(row.kernels, declared, parts.kernels)
    machines = _chosen(row.machines, parts.machines, parts.machines)
    if len(systems) * len(kernels) * len(machines) > _MOST:
        note("catalog.value", f"this row makes more than {_MOST} cells", here, None)
        return []
    made = []
    for system in systems:
        for kernel in kernels:
            for machine, asked in machines.items():
                cell = Cell(
                    system=parts.systems[system], kernel=parts.kernels[kernel], machine=parts.machines[machine],
                    support=row.support, row_images=row.images, remarks=row.remarks,
                )  # fmt: skip
                if lacking := _lacks(cell):
                    if not is_glob(row.machines[asked]):
                        note("catalog.value", lacking, (*here, "machines", asked), "take the machine out of this row")
                else:
                    made.append(cell)
    if not made and systems and kernels and machines and any(map(is_glob, row.machines)):
        note(
            "catalog.dangling", "no machine of this row has an architecture of its systems and kernels",
            (*here, "machines"), None,
        )  # fmt: skip
    return made


def _lacks(cell: Cell) -> str | None:
    for part in (cell.system, cell.kernel):
        if cell.architecture not in part.architectures:
            return f"{part.name} is not made for {cell.architecture}, the architecture of {cell.machine.name}"
    return None


def _chosen(patterns: tuple[str, ...], names: Iterable[str], every: Container[str]) -> dict[str, int]:
    """Names that the patterns take, each with the index of the first pattern that took it."""
    chosen: dict[str, int] = {}
    known = list(names)
    for index, pattern in enumerate(patterns):
        if is_glob(pattern):
            matching = [name for name in known if fnmatch.fnmatchcase(name, pattern)]
        else:
            matching = [pattern] if pattern in every else []
        for name in matching:
            chosen.setdefault(name, index)
    return chosen
