"""From needs to one consistent set of images, with the reasons; or a refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from bootworthy.catalog import words
from bootworthy.catalog.cautions import Caution, cautions
from bootworthy.catalog.conditions import conditions, said
from bootworthy.catalog.constraints import KERNEL, KUBERNETES, constraints
from bootworthy.catalog.dates import as_of
from bootworthy.catalog.entries import Catalog, Cell, Remarks
from bootworthy.catalog.needs import Needs
from bootworthy.catalog.ranking import Ranking
from bootworthy.catalog.refusal import Refusal, refuse

BUNDLE = "bundle"
"""Where a catalog's images are built, they are published together, as one bundle."""
_WHOLE = re.compile(r"\d+\.\d+\.\d+\S*")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was chosen."""

    what: str
    """`root`, `machine`: what was chosen."""
    why: str
    source: str = ""

    def as_json(self) -> dict[str, str]:
        """For programs, without what is empty."""
        fields = {"what": self.what, "why": self.why, "source": self.source}
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class Other:
    """A cell that fits too, and why it was not taken."""

    cell: Cell
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """One consistent set."""

    cell: Cell
    images: Mapping[str, str] = field(hash=False)
    """Role, or roles joined with `+`, to reference, patterns filled in; `bundle` where the images are built."""
    why: tuple[Reason, ...]
    others: tuple[Other, ...]
    """What fits as well, best first."""
    cautions: tuple[Caution, ...]


def resolve(catalog: Catalog, needs: Needs, day: date) -> Resolution | Refusal:
    """The best cell that meets every need.

    Args:
        catalog: what is chosen from.
        needs: in the catalog's words, as `asked.understood` gives them.
        day: the day that is asked about.
    """
    asked = constraints(needs, catalog)
    offered = [cell for cell in as_of(catalog, day).cells if cell.support.buildable]
    ranking = Ranking(catalog, needs.versions, day)
    offered.sort(key=ranking.key)
    fitting = [cell for cell in offered if all(each.fits(cell) for each in asked)]
    if not fitting:
        return refuse(catalog, needs, asked, offered, day)
    best, *rest = fitting
    images = _images(catalog, best, needs)
    return Resolution(
        cell=best, images=images, why=_reasons(best, images),
        others=tuple(Other(cell, ranking.reason(best, cell)) for cell in rest),
        cautions=cautions(catalog, best, images, needs.versions, day),
    )  # fmt: skip


def _images(catalog: Catalog, cell: Cell, needs: Needs) -> dict[str, str]:
    if not cell.images:
        name = f"{cell.system.name}:{cell.kernel.name}"
        return {BUNDLE: f"{catalog.registry}/{name}" if catalog.registry else name}
    values = {"arch": cell.architecture.value, "debian-arch": cell.architecture.oci, **needs.values}
    # Half a version is no tag: 1.23 stays open where only 1.23.5 would be one.
    for name, version in ((KUBERNETES, needs.kubernetes), (KERNEL, needs.kernel)):
        if _WHOLE.fullmatch(version):
            values.setdefault(name, version)
    return {role: _filled(reference, values) for role, reference in cell.images.items()}


def _filled(reference: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{([^}]*)\}", lambda match: values.get(match[1], match[0]), reference)


def _reasons(cell: Cell, images: Mapping[str, str]) -> tuple[Reason, ...]:
    row = _joined(f"the matrix says {cell.support}", cell.remarks)
    conditioned = [Reason("versions", f"for {said(when)}", cell.source) for when in conditions(cell)]
    system, machine = cell.system, cell.machine
    preferred = ", preferred where several would do" if machine.prefer > 0 and not machine.remarks.note else ""
    runs = f"{machine.vmm} on {machine.architecture}{preferred}{_provides(machine.provides)}"
    brings = f"{system.title or system.name}{_provides(system.provides)}"
    return (
        Reason("cell", row, cell.source), *conditioned,
        Reason("system", _joined(brings, system.remarks), system.remarks.source),
        Reason("kernel", _kernel(cell), cell.kernel.remarks.source),
        Reason("machine", _joined(runs, machine.remarks), machine.remarks.source),
        *(_origin(cell, role) for role in images),
    )  # fmt: skip


def _kernel(cell: Cell) -> str:
    if cell.kernel.embedded:
        return "the root image brings its own"
    release = words.release(cell.kernel)
    title = cell.kernel.title or cell.kernel.name
    return _joined(title if release is None or release in title else f"{title}, {release}", cell.kernel.remarks)


def _origin(cell: Cell, role: str) -> Reason:
    """Which entry names an image."""
    if role in cell.row_images:
        return Reason(role, "named by the row of the matrix for this combination alone", cell.source)
    for part, entry in (("system", cell.system), ("kernel", cell.kernel)):
        if role in entry.images:
            return Reason(role, f"the image of the {part} {entry.name}", entry.remarks.source)
    return Reason(role, "built from the catalog, and published under this name", cell.source)


def _provides(things: frozenset[str]) -> str:
    return f", provides {', '.join(sorted(things))}" if things else ""


def _joined(text: str, remarks: Remarks) -> str:
    return f"{text}: {remarks.note}" if remarks.note else text
