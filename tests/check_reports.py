"""Reports of checks, made by code."""

from __future__ import annotations

from datetime import date

from bootworthy.checks import rule
from bootworthy.checks.reports.report import Looked, Report
from bootworthy.vocabulary import Architecture, Finding, Severity

ROOT = f"localhost/os/small:1@sha256:{'a' * 64}"
KERNEL = f"localhost/os/small:1-kernel@sha256:{'b' * 64}"
FIRST, SECOND, THIRD = (f"small/linux-6.1/{vmm}-x86_64" for vmm in ("qemu-microvm", "firecracker", "cloud-hypervisor"))


def finding(
    id_: str, severity: Severity | None = None, *, where: str = f"{ROOT}: /sbin/init", message: str = "",
    remedy: str = "",
) -> Finding:  # fmt: skip
    """A finding of a rule that there is; of a rule of somebody else's when there is none."""
    own = next((each for check in rule.known().values() for each in check.rules if each.id == id_), None)
    if own is not None:
        return own.broken(where, message or f"{id_} is broken", remedy=remedy, severity=severity)
    return Finding(id_, severity or Severity.ERROR, where, message or f"{id_} is broken", "Why.", remedy or "mend it")


MISSING = finding("init.missing", message="/sbin/init is not in the image")
MACHINE_ID = finding("identity.machine-id", where=f"{ROOT}: /etc/machine-id", message="the machine id is set: 0123")
UNKNOWN = finding("drivers.unknown", where=f"{KERNEL}: /boot/vmlinux", message="nothing says whether ext4 is built in")


def looked(name: str, *findings: Finding) -> Looked:
    """A cell with these findings."""
    vmm = name.rpartition("/")[2].removesuffix("-x86_64")
    return Looked(
        name=name, vmm=vmm, architecture=Architecture.X86_64, images={"root": ROOT, "kernel": KERNEL},
        findings=findings,
    )  # fmt: skip


def report(*each: Looked, strict: bool = False) -> Report:
    """What came of looking at these; without any, at three cells of which one would not boot."""
    cells = each or (looked(FIRST, MISSING, MACHINE_ID), looked(SECOND, MACHINE_ID, UNKNOWN), looked(THIRD))
    return Report(looked=cells, families=rule.known(), tool="bootworthy 0.1.0", at=date(2026, 1, 2), strict=strict)
