"""The matrix as a value: systems on kernels down, machines across; in each cell what is promised and what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from bootworthy.catalog.entries import Catalog, Cell, Kernel, Machine, System
from bootworthy.errors import InternalError
from bootworthy.matrix.attempt import Attempt
from bootworthy.matrix.mark import Mark
from bootworthy.proofs.standing import Status
from bootworthy.vocabulary import Standing, Support


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One cell as it is shown."""

    cell: Cell
    status: Status
    images: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Role, or roles joined with `+`, to reference."""
    digests: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Role, or roles joined with `+`, to digest."""

    @property
    def mark(self) -> Mark:
        """Its first word and symbol."""
        return Mark.of(self.cell.support, self.status.standing)

    @property
    def attempt(self) -> Attempt | None:
        """The newest boot of this cell itself."""
        return Attempt.of(self.status.newest) if self.status.newest is not None else None

    @property
    def stand_ins(self) -> tuple[Attempt, ...]:
        """The newest boots of the same images elsewhere; they raise nothing here."""
        return tuple(Attempt.of(evidence) for evidence in self.status.stand_ins)

    @property
    def emulated(self) -> bool:
        """Whether what the mark says was seen under emulation."""
        return self.attempt is not None and self.attempt.emulated and self.mark in _SEEN


_SEEN = {Mark.HEALTHY, Mark.BOOTED, Mark.STARTED, Mark.FAILED, Mark.STALE}


@dataclass(frozen=True, slots=True)
class Line:
    """One row: a system on a kernel."""

    system: System
    kernel: Kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A catalog's cells, in its order."""

    catalog: str
    title: str
    note: str
    rows: tuple[Line, ...]
    columns: tuple[Machine, ...]
    tiles: Mapping[str, Tile] = field(hash=False)
    """Name of the cell to the cell, in the order of the catalog."""

    def at(self, line: Line, machine: Machine) -> Tile | None:
        """The cell of a row and a column; None where the catalog has none."""
        return self.tiles.get(f"{line.system.name}/{line.kernel.name}/{machine.name}")

    def across(self, line: Line) -> Iterator[tuple[Machine, Tile | None]]:
        """One row: each machine with its cell, or None where the catalog has none."""
        return ((machine, self.at(line, machine)) for machine in self.columns)

    def count(self, mark: Mark) -> int:
        """How many cells have a mark."""
        return sum(tile.mark is mark for tile in self.tiles.values())


def build(catalog: Catalog, tiles: Iterable[Tile]) -> Matrix:
    """Lay cells out; rows and columns that no cell fills are left out.

    Raises:
        InternalError: `matrix.twice`, when one cell comes twice.
    """
    named: dict[str, Tile] = {}
    for tile in tiles:
        if tile.cell.name in named:
            raise InternalError("matrix.twice", f"{tile.cell.name} is in the matrix twice")
        named[tile.cell.name] = tile
    cells = [tile.cell for tile in named.values()]
    pairs = {(cell.system.name, cell.kernel.name): Line(cell.system, cell.kernel) for cell in cells}
    used = {cell.machine.name: cell.machine for cell in cells}
    known = [machine for name, machine in catalog.machines.items() if name in used]
    # A machine given on the command line is in no catalog; it comes after those that are.
    extra = [machine for name, machine in used.items() if name not in catalog.machines]
    return Matrix(
        catalog=catalog.name, title=catalog.title or catalog.name, note=catalog.note, rows=tuple(pairs.values()),
        columns=(*known, *extra), tiles=named,
    )  # fmt: skip


def falls_short(matrix: Matrix, required: Standing) -> tuple[Tile, ...]:
    """The supported cells that were not seen to stand where they must; promises of less are not held to it."""
    return tuple(
        tile
        for tile in matrix.tiles.values()
        if tile.cell.support is Support.SUPPORTED and tile.status.standing < required
    )
