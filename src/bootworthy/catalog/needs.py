"""What somebody needs of a catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.vocabulary import Architecture

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
FILLED = frozenset({"arch", "debian-arch"})
"""Variables of references that the machine answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Every field narrows the choice; one that is empty does not."""

    system: str = ""
    """Words of its name or title: `ubuntu-22.04`, `Ubuntu 22.04`, `ubuntu`."""
    architecture: Architecture | None = None
    vmm: str = ""
    """Its name."""
    machine: str = ""
    """Words of its name or title."""
    provides: tuple[str, ...] = ()
    kubernetes: str = ""
    """A version, or the beginning of one: `1.23`."""
    variant: str = ""
    kernel: str = ""
    """A kernel's name, a release, or the beginning of one: `5.10`."""
    versions: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Consumer to version: `{"capmvm": "0.7.0"}`."""
    values: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What else to fill into patterns of references, by variable."""

    def arguments(self) -> tuple[str, ...]:
        """The options of `bootworthy resolve` that ask for this."""
        pairs = [
            ("--system", self.system), ("--arch", self.architecture.value if self.architecture else ""),
            ("--vmm", self.vmm), ("--machine", self.machine), *(("--needs", each) for each in self.provides),
            ("--kubernetes", self.kubernetes), ("--variant", self.variant), ("--kernel", self.kernel),
            *(("--with", f"{name}={version}") for name, version in self.versions.items()),
            *(("--set", f"{name}={value}") for name, value in self.values.items()),
        ]  # fmt: skip
        return tuple(word for option, value in pairs if value for word in (option, value))

    def as_json(self) -> dict[str, object]:
        """For programs, without what is empty."""
        fields: dict[str, object] = {
            "system": self.system, "architecture": self.architecture, "vmm": self.vmm, "machine": self.machine,
            "provides": list(self.provides), "kubernetes": self.kubernetes, "variant": self.variant,
            "kernel": self.kernel, "versions": dict(self.versions), "values": dict(self.values),
        }  # fmt: skip
        return {name: value for name, value in fields.items() if value}


def systems(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """What each system goes by beside its name."""
    return {
        name: (system.title, system.family, f"{system.family} {system.release}".strip())
        for name, system in catalog.systems.items()
    }


def machines(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """What each machine goes by beside its name."""
    return {name: (machine.title, machine.vmm) for name, machine in catalog.machines.items()}


def variables(cell: Cell) -> frozenset[str]:
    """Variables that the references of a cell leave open."""
    return frozenset(_VARIABLE.findall(" ".join(cell.images.values()))) - FILLED
