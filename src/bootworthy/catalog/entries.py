"""What the rest of the program knows of a catalog: systems, kernels, machines, and the cells they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from bootworthy.catalog.pins import NO_PINS, Pins
from bootworthy.catalog.versions import VersionRange
from bootworthy.vocabulary import Architecture, Support

EMBEDDED = "embedded"
"""The kernel of a root image that brings its own; it is never declared."""


class Access(StrEnum):
    """What may be done with the references of a catalog."""

    OPEN = "open"
    REFERENCE_ONLY = "reference-only"


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The versions of consumers (flintlock, CAPMVM) that something holds for; everything in it must be so."""

    versions: Mapping[str, VersionRange] = field(default_factory=dict, hash=False)
    any_of: tuple[When, ...] = ()
    all_of: tuple[When, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """What any entry may carry beside its facts. None of it reaches an image."""

    note: str = ""
    source: str = ""
    since: str | None = None
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD`: as precise as the source is."""
    until: str | None = None
    inferred: bool = False
    """Nobody says so; it follows from what somebody says."""
    when: When | None = None


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A root made from a distribution's packages."""

    release: str
    packages: tuple[str, ...] = ()
    distribution: str = "debian"


@dataclass(frozen=True, slots=True)
class Base:
    """What a Dockerfile is built on, its `${BASE}`: a system of the same catalog, or an image."""

    system: System | None = None
    image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """An operating system release in one variant."""

    name: str
    title: str = ""
    family: str = ""
    release: str = ""
    """Of its distribution: `22.04`."""
    rolling: bool = False
    """Whether it follows the newest release, so that its base moves."""
    variant: str = ""
    init: str = ""
    provides: frozenset[str] = frozenset()
    """What it can do and others cannot: `live-layering`."""
    software: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What it brings, by version: `{"kubernetes": "1.23.5"}`."""
    end_of_life: str | None = None
    """`YYYY`, `YYYY-MM` or `YYYY-MM-DD`: as precise as the source is."""
    architectures: frozenset[Architecture] = frozenset(Architecture)
    bootstrap: Bootstrap | None = None
    dockerfile: str | None = None
    """Path of a Dockerfile, relative to the folder of the catalog."""
    from_: Base | None = None
    images: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Role, or roles joined with `+`, to reference; a reference with `${` in it is a pattern."""
    base_layer: bool = True
    """Whether a root that we build gets the base layer."""
    remarks: Remarks = Remarks()


@dataclass(frozen=True, slots=True)
class KernelPackage:
    """A distribution's own kernel package."""

    distribution: str
    release: str
    name: str
    """`${arch}` stands for our name of the architecture, `${debian-arch}` for Debian's."""

    def for_architecture(self, architecture: Architecture) -> KernelPackage:
        """The package of one architecture."""
        name = self.name.replace("${arch}", architecture.value).replace("${debian-arch}", architecture.oci)
        return replace(self, name=name)


@dataclass(frozen=True, slots=True)
class SourceArchive:
    """The source of a kernel as a compressed tar archive of the web."""

    url: str
    sha256: str
    """64 hex digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSource:
    """A kernel that is compiled here."""

    source: KernelPackage | SourceArchive
    config: str
    """A base configuration of ours by its name, or a file, relative to the folder of the catalog."""
    profiles: tuple[str, ...] = ()
    """What it must serve as, beside that."""
    folder: Path | None = field(default=None, compare=False)
    """That of the catalog; None where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel release with its configuration, and the modules that belong to it."""

    name: str
    title: str = ""
    release: str = ""
    """`5.10.77`."""
    architectures: frozenset[Architecture] = frozenset(Architecture)
    end_of_life: str | None = None
    """As that of a system."""
    package: KernelPackage | None = None
    build: KernelSource | None = None
    images: Mapping[str, str] = field(default_factory=dict, hash=False)
    embedded: bool = False
    """The root image brings its own kernel."""
    remarks: Remarks = Remarks()


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSeries:
    """A series of guest kernels that the makers of a machine support, and from when until when."""

    series: str
    """`5.10`."""
    remarks: Remarks = Remarks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where an image runs: a VMM or a hardware model, on an architecture."""

    name: str
    vmm: str
    """The VMM or the hardware model, by the name that its facts have."""
    architecture: Architecture
    title: str = ""
    prefer: int = 0
    """The machine with the highest number is chosen where several would do."""
    provides: frozenset[str] = frozenset()
    versions: VersionRange | None = None
    """VMM versions that a proof counts for."""
    memory_mib: int = 1024
    vcpus: int = 2
    deadline: float | None = None
    """Seconds until a boot counts as hung; None leaves it to the accelerator."""
    hardware: bool = False
    """Whether it is a hardware model: its cells are shown and checked, and never booted here."""
    guests: tuple[GuestSeries, ...] = ()
    """Kernel series that its makers support; empty where the catalog names none."""
    remarks: Remarks = Remarks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the matrix as it was written: names and globs."""

    systems: tuple[str, ...]
    kernels: tuple[str, ...]
    machines: tuple[str, ...]
    support: Support
    images: Mapping[str, str] = field(default_factory=dict, hash=False)
    remarks: Remarks = Remarks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One system on one kernel on one machine: the unit that is built, proved and shown."""

    system: System
    kernel: Kernel
    machine: Machine
    support: Support
    row_images: Mapping[str, str] = field(default_factory=dict, hash=False)
    """References that the row sets for itself."""
    remarks: Remarks = Remarks()
    """Those of the row."""

    @property
    def name(self) -> str:
        """`SYSTEM/KERNEL/MACHINE`."""
        return f"{self.system.name}/{self.kernel.name}/{self.machine.name}"

    @property
    def architecture(self) -> Architecture:
        """That of the machine."""
        return self.machine.architecture

    @property
    def note(self) -> str:
        """The note of its row."""
        return self.remarks.note

    @property
    def source(self) -> str:
        """Where its row comes from."""
        return self.remarks.source

    @property
    def images(self) -> dict[str, str]:
        """Published references by role; the row's replace those of kernel and system that fill the same role."""
        merged = {**self.kernel.images, **self.system.images}
        taken = {role for key in self.row_images for role in key.split("+")}
        kept = {key: reference for key, reference in merged.items() if taken.isdisjoint(key.split("+"))}
        return {**kept, **self.row_images}


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What somebody supports, and how it combines."""

    name: str
    title: str = ""
    registry: str | None = None
    """Where bundles are published."""
    access: Access = Access.OPEN
    systems: Mapping[str, System] = field(hash=False)
    kernels: Mapping[str, Kernel] = field(hash=False)
    machines: Mapping[str, Machine] = field(hash=False)
    rows: tuple[Row, ...]
    cells: tuple[Cell, ...]
    """In file order."""
    source: str
    """The path it was read from, or `builtin:NAME`."""
    folder: Path | None = None
    """What its paths are relative to; None where it has no folder."""
    note: str = ""
    pins: Pins = NO_PINS
    """What its lock file holds it to."""
