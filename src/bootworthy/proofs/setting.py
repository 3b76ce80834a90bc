"""Where images are to boot, apart from the images: the machine, what it tells the kernel, and the disks it attaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootworthy.catalog.entries import Cell, Machine
from bootworthy.catalog.versions import Version, VersionRange
from bootworthy.kernels import command_line
from bootworthy.machines.facts import MachineFacts, facts
from bootworthy.vmms.compose import Bootable, Volume, compose
from bootworthy.vmms.plan import Drive
from bootworthy.vocabulary import Accelerator, Architecture, Role

_NOT_YET = Volume(path=Path(), digest="")
"""A file that is not made yet: neither command line nor names of drives depend on what is in it."""
_LOWER = (">", ">=", "=", "==")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What rules about the machine look at."""

    facts: MachineFacts
    architecture: Architecture
    command_line: tuple[str, ...]
    drives: tuple[Drive, ...]
    devices: frozenset[str]
    """What its VMM and its entry in the catalog provide."""
    version: Version | None
    """The oldest release of the VMM that counts."""
    vcpus: int
    memory_mib: int

    def as_json(self) -> dict[str, object]:
        """All that decides what a rule says of the same images; the drives follow from the images."""
        return {
            "vmm": self.facts.vmm, "architecture": self.architecture.value, "command-line": list(self.command_line),
            "devices": sorted(self.devices), "version": self.version.text if self.version else None,
            "vcpus": self.vcpus, "memory-mib": self.memory_mib,
        }  # fmt: skip


def of_cell(cell: Cell, digests: Mapping[str, str]) -> Setting:
    """The setting of a cell whose images have these digests."""
    return of_machine(facts(cell.machine.vmm), cell.architecture, digests, cell.machine)


def of_machine(
    facts: MachineFacts, architecture: Architecture, digests: Mapping[str, str], machine: Machine | None = None, *,
    told: str | None = None, version: Version | None = None,
) -> Setting:  # fmt: skip
    """The setting of images whose digests stand under their role, or under roles joined with `+`.

    `told` replaces the command line that we would give; `version` the oldest release that the catalog asks for.
    """
    drives: tuple[Drive, ...] = ()
    words: tuple[str, ...] = ()
    # What hardware starts with is written in the image's own boot loader.
    if architecture in facts.architectures and not facts.hardware:
        plan = compose(facts, _bootable(architecture, digests), accelerator=Accelerator.TCG)
        drives, words = plan.drives, plan.command_line
    oldest = _oldest(machine.versions) if machine is not None and machine.versions is not None else None
    return Setting(
        facts=facts, architecture=architecture, drives=drives,
        command_line=words if told is None else command_line.split(told), version=version or oldest,
        devices=facts.provides | (machine.provides if machine else frozenset()),
        vcpus=machine.vcpus if machine else facts.vcpus, memory_mib=machine.memory_mib if machine else facts.memory_mib,
    )  # fmt: skip


def _bootable(architecture: Architecture, digests: Mapping[str, str]) -> Bootable:
    found = {Role(role): digest for roles, digest in digests.items() for role in roles.split("+")}
    apart = Role.MODULES in found and found[Role.MODULES] != found.get(Role.ROOT)
    return Bootable(
        architecture=architecture, kernel=_NOT_YET, initrd=_NOT_YET if Role.INITRD in found else None, root=_NOT_YET,
        modules=_NOT_YET if apart else None,
    )  # fmt: skip


def _oldest(versions: VersionRange) -> Version | None:
    """Nothing below it is in the range; None where there is no such thing."""
    return max((version for operator, version in versions.terms if operator in _LOWER), default=None)
