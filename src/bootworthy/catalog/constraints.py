"""What each need asks of a cell, and what one would have to ask for instead to get it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bootworthy.catalog import words
from bootworthy.catalog.conditions import conditions, met, said
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.catalog.needs import Needs, machines, systems, variables

KUBERNETES = "kubernetes"
"""Its name among the software of systems, and as a variable in patterns."""
KERNEL = "kernel"
"""The variable for a kernel's release in patterns."""


class Kind(StrEnum):
    """What a need is about; those that are easiest to give up come first."""

    KUBERNETES = "kubernetes"
    KERNEL = "kernel"
    VERSIONS = "versions"
    MACHINE = "machine"
    VMM = "vmm"
    VARIANT = "variant"
    SYSTEM = "system"
    ARCHITECTURE = "architecture"
    PROVIDES = "provides"

    @property
    def cost(self) -> int:
        """What changing it costs beside the others; a number to sort by."""
        return list(Kind).index(self)


@dataclass(frozen=True, slots=True)
class Change:
    """Another need in place of one that cannot be met."""

    instead: str
    """For people: `--arch x86_64`."""
    fields: Mapping[str, Any]
    """Fields of `Needs` with their new values."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One need."""

    kind: Kind
    asked: str
    """As it was asked: `--arch aarch64`."""
    fits: Callable[[Cell], bool]
    change: Callable[[Cell], Change | None]
    """What to ask for so that this cell fits; None where that cannot be said."""


def constraints(needs: Needs, catalog: Catalog) -> tuple[Constraint, ...]:
    """The needs that are not empty, one by one."""
    return (*_of_systems(needs, catalog), *_of_machines(needs, catalog), *_of_versions(needs))


def _of_systems(needs: Needs, catalog: Catalog) -> Iterator[Constraint]:
    if needs.system:
        named = words.called(needs.system, systems(catalog))
        yield Constraint(
            Kind.SYSTEM, f"--system {_quoted(needs.system)}", lambda cell: cell.system.name in named,
            lambda cell: _set("system", cell.system.name),
        )  # fmt: skip
    if needs.variant:
        yield Constraint(
            Kind.VARIANT, f"--variant {_quoted(needs.variant)}",
            lambda cell: cell.system.variant == needs.variant, lambda cell: _set("variant", cell.system.variant),
        )  # fmt: skip


def _of_machines(needs: Needs, catalog: Catalog) -> Iterator[Constraint]:
    if needs.architecture is not None:
        yield Constraint(
            Kind.ARCHITECTURE, f"--arch {needs.architecture}", lambda cell: cell.architecture is needs.architecture,
            lambda cell: Change(f"--arch {cell.architecture}", {"architecture": cell.architecture}),
        )  # fmt: skip
    if needs.vmm:
        yield Constraint(
            Kind.VMM, f"--vmm {needs.vmm}", lambda cell: cell.machine.vmm == needs.vmm,
            _runner,
        )  # fmt: skip
    if needs.machine:
        named = words.called(needs.machine, machines(catalog))
        yield Constraint(
            Kind.MACHINE, f"--machine {_quoted(needs.machine)}", lambda cell: cell.machine.name in named,
            lambda cell: _set("machine", cell.machine.name),
        )  # fmt: skip
    if needs.provides:
        yield Constraint(
            Kind.PROVIDES, " ".join(f"--needs {name}" for name in needs.provides),
            lambda cell: provided(cell).issuperset(needs.provides), lambda cell: _fewer(needs.provides, cell),
        )  # fmt: skip


def _of_versions(needs: Needs) -> Iterator[Constraint]:
    if needs.kubernetes:
        yield Constraint(
            Kind.KUBERNETES, f"--kubernetes {needs.kubernetes}",
            lambda cell: _has(cell, KUBERNETES, needs.kubernetes, needs), _kubernetes,
        )  # fmt: skip
    if needs.kernel:
        yield Constraint(
            Kind.KERNEL, f"--kernel {_quoted(needs.kernel)}",
            lambda cell: needs.kernel == cell.kernel.name or _has(cell, KERNEL, needs.kernel.removeprefix("v"), needs),
            lambda cell: _set("kernel", cell.kernel.name),
        )  # fmt: skip
    if needs.versions:
        yield Constraint(
            Kind.VERSIONS, " ".join(f"--with {name}={version}" for name, version in needs.versions.items()),
            lambda cell: all(met(when, needs.versions) is not False for when in conditions(cell)),
            lambda cell: Change(" and ".join(map(said, conditions(cell))), {"versions": {}}),
        )  # fmt: skip


def provided(cell: Cell) -> frozenset[str]:
    """What system and machine of a cell provide."""
    return cell.system.provides | cell.machine.provides


def _runner(cell: Cell) -> Change:
    machine = cell.machine
    if machine.hardware:
        return Change(f"--machine {machine.name}", {"vmm": "", "machine": machine.name})
    return _set("vmm", machine.vmm)


def _set(field: str, value: str) -> Change:
    return Change(f"--{field} {value}" if value else f"no --{field}", {field: value})


def _fewer(provides: tuple[str, ...], cell: Cell) -> Change:
    kept = tuple(name for name in provides if name in provided(cell))
    return Change(f"no {' and no '.join(name for name in provides if name not in kept)}", {"provides": kept})


def _kubernetes(cell: Cell) -> Change | None:
    found = cell.system.software.get(KUBERNETES)
    return None if found is None and KUBERNETES in variables(cell) else _set("kubernetes", found or "")


def _has(cell: Cell, what: str, asked: str, needs: Needs) -> bool:
    """Whether a cell has a version of something.

    A pattern takes any version, but nobody says that it exists: not where it is also unknown whom the cell is for.
    """
    found = words.release(cell.kernel) if what == KERNEL else cell.system.software.get(what)
    if found is not None:
        return words.within(asked, found)
    return what in variables(cell) and all(met(when, needs.versions) for when in conditions(cell))


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text
