"""Somebody still looks after it: the VMM after this series of kernels, and the makers after system and kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootworthy.catalog.dates import last_day
from bootworthy.catalog.versions import Version
from bootworthy.checks.reading import shown
from bootworthy.checks.rule import Check, Rule
from bootworthy.checks.subject import Subject
from bootworthy.machines.facts import GuestKernel
from bootworthy.vocabulary import Finding, Severity

SERIES = Rule(
    id="kernel.unsupported-series", severity=Severity.WARNING, title="The VMM is not tested with this kernel series",
    why="It may boot and behave oddly: nobody tries it before a release, and nobody mends what breaks.",
    remedy="use a kernel of a series that its makers support", source="the kernel policy of the VMM, as in machines/",
)  # fmt: skip
LAPSED = Rule(
    id="kernel.support-lapsed", severity=Severity.NOTE, title="The VMM's promise for this kernel series has run out",
    why="Any release may drop it now; nobody can tell from the policy which one will.",
    remedy="move to a series with a later date", source="the kernel policy of the VMM, as in machines/",
)  # fmt: skip
KERNEL = Rule(
    id="kernel.end-of-life", severity=Severity.WARNING, title="The kernel is no longer supported by its makers",
    why="Its faults are known to everybody, and are not mended.", remedy="move to a kernel that is still supported",
    source="`end-of-life` of the kernel in the catalog",
)  # fmt: skip
SYSTEM = Rule(
    id="system.end-of-life", severity=Severity.WARNING, title="The system is no longer supported by its makers",
    why="The faults of its packages are known to everybody, and are not mended.",
    remedy="move to a release of the system that is still supported",
    source="`end-of-life` of the system in the catalog",
)  # fmt: skip

_SERIES = re.compile(r"\d+\.\d+(?=\D|$)")


def find(subject: Subject) -> Iterator[Finding]:
    """Compare release and day with what was promised."""
    yield from _policy(subject)
    if subject.at is None:
        return
    for name, written in sorted(subject.ends.items()):
        if last_day(written) < subject.at:
            rule = KERNEL if name.startswith("kernel ") else SYSTEM
            yield rule.broken(name, f"its support ended in {written}, and it is {subject.at} now")


def _policy(subject: Subject) -> Iterator[Finding]:
    kernel, guests = subject.kernel_file, subject.facts.guests
    match = _SERIES.match(subject.release or "")
    if kernel is None or match is None or not guests:
        return
    title, version = subject.facts.title, subject.vmm_version
    guest = next((each for each in guests if each.series == match[0]), None)
    kept = [each for each in guests if not _fault(each, version)]
    supports = f"{subject.vmm} supports {_listed(kept)}"
    fault = "it is not in the policy" if guest is None else _fault(guest, version)
    if guest is None or fault:
        message = f"the kernel is {shown(subject.release or '')}: {fault}; {supports}"
        yield SERIES.broken(kernel.where, message)
    elif guest.until is not None and subject.at is not None and guest.until < subject.at:
        message = (
            f"{title} promised support of guest kernels {guest.series} until {guest.until}, and it is {subject.at} now"
        )
        yield LAPSED.broken(kernel.where, message)


def _fault(guest: GuestKernel, version: Version | None) -> str:
    """Why a release is not tested with a series; the newest is where none is named."""
    if guest.dropped is not None and (version is None or Version(guest.dropped) <= version):
        return f"{guest.series} was dropped with {guest.dropped}"
    if version is not None and version < Version(guest.since):
        return f"{guest.series} came with {guest.since}"
    return ""


def _listed(guests: list[GuestKernel]) -> str:
    said = [f"{each.series} (until {each.until})" if each.until else each.series for each in guests]
    return ", ".join(said) or "none that we know of"


CHECK = Check(title="Support", rules=(SERIES, LAPSED, KERNEL, SYSTEM), find=find)
