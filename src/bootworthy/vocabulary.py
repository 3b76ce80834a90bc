"""Closed vocabularies of the field, with their behaviour, and the finding that every check returns."""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bootworthy.errors import UsageError


class Architecture(StrEnum):
    """A processor architecture, named as Linux names it."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"

    @classmethod
    def parse(cls, text: str) -> Architecture:
        """`x86_64`, `aarch64`, and OCI's `amd64`, `arm64`.

        Raises:
            UsageError: `arch.unknown`.
        """
        names = {a.value: a for a in cls} | {a.oci: a for a in cls}
        if text not in names:
            raise UsageError("arch.unknown", f"unknown architecture {text!r}", hint=f"one of {', '.join(names)}")
        return names[text]

    @classmethod
    def native(cls) -> Architecture:
        """The architecture of the machine we run on."""
        return cls.parse(platform.machine())

    @property
    def oci(self) -> str:
        """The name in OCI platforms (Go's GOARCH); Debian uses the same one."""
        return {"x86_64": "amd64", "aarch64": "arm64"}[self.value]


class Role(StrEnum):
    """What an OCI image is for; joined roles are written `root+kernel`."""

    ROOT = "root"
    KERNEL = "kernel"
    MODULES = "modules"
    INITRD = "initrd"
    DISK = "disk"


class Support(StrEnum):
    """What the publisher promises for a cell."""

    SUPPORTED = "supported"
    BEST_EFFORT = "best-effort"
    EXPERIMENTAL = "experimental"
    LEGACY = "legacy"
    PLANNED = "planned"
    UNAVAILABLE = "unavailable"

    @property
    def buildable(self) -> bool:
        """Whether there is something to build and prove."""
        return self not in {Support.PLANNED, Support.UNAVAILABLE}


@functools.total_ordering
class Standing(StrEnum):
    """What was seen of a cell. `declared < checked < started < booted < healthy`; failed and stale rank below."""

    FAILED = "failed"
    STALE = "stale"
    DECLARED = "declared"
    CHECKED = "checked"
    STARTED = "started"
    BOOTED = "booted"
    HEALTHY = "healthy"

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Standing):
            return NotImplemented
        order = list(Standing)
        return order.index(self) < order.index(other)


class Verdict(StrEnum):
    """How one boot ended."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    PANICKED = "panicked"
    HUNG = "hung"
    EXITED = "exited"
    INTERRUPTED = "interrupted"


class Accelerator(StrEnum):
    """What executes the guest's instructions."""

    KVM = "kvm"
    TCG = "tcg"

    @property
    def deadline(self) -> float:
        """Seconds a proof may take unless the catalog says otherwise."""
        return {"kvm": 60.0, "tcg": 300.0}[self.value]


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has to say."""

    id: str
    severity: Severity
    where: str
    """A reference@digest and a path, or the entry of a catalog."""
    message: str
    why: str
    remedy: str
    source: str = ""
    """The document the rule comes from."""

    def as_json(self) -> dict[str, str]:
        """The finding as programs read it."""
        return {
            "id": self.id, "severity": self.severity.value, "where": self.where, "message": self.message,
            "why": self.why, "remedy": self.remedy, "source": self.source,
        }  # fmt: skip


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that stand in the way."""
    return [finding for finding in findings if finding.severity is Severity.ERROR]
