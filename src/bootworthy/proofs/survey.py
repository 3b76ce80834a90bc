"""The standing of every cell, from what is in the store and what was recorded. Nothing is built or booted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bootworthy.builders import busybox, cells
from bootworthy.builders.cells import CellImages
from bootworthy.builders.workshop import Workshop
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.catalog.identity import catalog_entry_digest
from bootworthy.errors import BootworthyError
from bootworthy.proofs import probe, setting
from bootworthy.proofs.checked import Checked
from bootworthy.proofs.evidence import Evidence
from bootworthy.proofs.standing import Expected, Status, in_order, status
from bootworthy.vmms.compose import Bootable, Volume
from bootworthy.vmms.vmm import known
from bootworthy.vocabulary import Accelerator, Architecture, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A cell, what it is made of, and where it stands."""

    cell: Cell
    status: Status
    images: CellImages | None
    """None when they are not all here."""


def survey(
    workshop: Workshop, catalog: Catalog, chosen: Iterable[Cell], evidence: Sequence[Evidence], now: datetime,
    max_age: timedelta | None = None,
) -> tuple[Surveyed, ...]:  # fmt: skip
    """Where cells stand."""
    probes: dict[Architecture, str | None] = {}
    found = []
    for cell in chosen:
        images = cells.present(workshop, catalog, cell)
        if cell.architecture not in probes:
            probes[cell.architecture] = _probe(workshop, cell.architecture)
        own = _about(cell, evidence)
        expected = Expected(
            vmm=cell.machine.vmm, images=images.digests if images else None, plan=_plan(cell, own, now),
            probe=probes[cell.architecture], catalog_entry=catalog_entry_digest(cell), versions=cell.machine.versions,
            max_age=max_age, checked=images is not None and _passed(workshop, cell, images),
        )  # fmt: skip
        found.append(Surveyed(cell=cell, status=status(expected, own, now), images=images))
    return tuple(found)


def _about(cell: Cell, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The cell's own attempts, and those of the same system and kernel on other machines."""
    prefix = f"{cell.system.name}/{cell.kernel.name}/"
    return [
        one
        for one in evidence
        if one.cell is not None
        and (one.cell == cell.name or (one.cell.startswith(prefix) and one.vmm != cell.machine.vmm))
    ]


def _passed(workshop: Workshop, cell: Cell, images: CellImages) -> bool:
    checked = Checked(workshop.cache / "checks")
    return checked.passed(images.digests, setting.of_cell(cell, images.digests))


def _probe(workshop: Workshop, architecture: Architecture) -> str | None:
    """Digest of the probe as it would be used now; None when its busybox is not here."""
    try:
        if busybox.build(workshop, architecture).reasons(workshop):
            return None
        return probe.digest(probe.layer(busybox.program(workshop, architecture)))
    except BootworthyError:
        return None


def _plan(cell: Cell, own: Sequence[Evidence], now: datetime) -> str | None:
    """Digest of the plan that the newest attempt's files would be launched with now; None when it cannot be told."""
    ran = in_order((one for one in own if one.vmm == cell.machine.vmm), now)
    vmm = known().get(cell.machine.vmm)
    if not ran or vmm is None:
        return None
    files = _files(ran[-1])
    if files is None:
        return None
    from bootworthy.proofs.prove import ProofRequest, plan  # noqa: PLC0415  (a proof is surveyed without being run)

    request = ProofRequest(
        bootable=files, accelerator=Accelerator.TCG, vcpus=cell.machine.vcpus, memory_mib=cell.machine.memory_mib,
        deadline=cell.machine.deadline,
    )  # fmt: skip
    return plan(request, vmm).digest()


def _files(evidence: Evidence) -> Bootable | None:
    """The files of an attempt, by the digests that its plan recorded."""
    plan = evidence.document.get("plan")
    if not isinstance(plan, Mapping):
        return None
    try:
        drives = {str(drive["role"]): drive for drive in plan["drives"]}
        initrd = plan["initrd"]
        return Bootable(
            architecture=Architecture(plan["architecture"]), kernel=_file(plan["kernel"]["digest"]),
            initrd=_file(initrd["digest"]) if initrd else None, root=_file(drives[Role.ROOT]["digest"]),
            root_read_only=bool(drives[Role.ROOT]["read_only"]),
            modules=_file(drives[Role.MODULES]["digest"]) if Role.MODULES in drives else None,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError):
        return None


def _file(digest: str) -> Volume:
    return Volume(path=Path(), digest=str(digest))
