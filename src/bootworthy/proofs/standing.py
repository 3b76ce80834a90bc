"""What stands behind a cell: its standing, worked out from evidence and from what the cell is now.

The rules (DESIGN, section 5, Evidence):

1. Only proofs by the cell's own VMM count; those by another one are stand-ins, shown beside it.
2. An interrupted attempt says nothing about the images, so it is kept and not counted.
3. The newest attempt decides. Healthy is `healthy`; unhealthy is `booted`, for it reported; one that hung is as far as
   it came, or `failed` where not even a kernel spoke; panicked and exited are `failed`.
4. It is `stale` when the images, the plan, the probe or the catalog entry are others now, when the VMM's version is
   outside the machine's `versions:`, or when it is older than the oldest that is accepted.
   Which VMM the reader has installed never counts.
5. One that says it began more than a day from now comes before all others, and is stale: some clock is wrong, and
   nothing that is recorded later would ever be newer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bootworthy.catalog.versions import VersionRange
from bootworthy.errors import UsageError
from bootworthy.proofs.evidence import Evidence
from bootworthy.vocabulary import Standing, Verdict

_AHEAD = timedelta(days=1)
"""How far clocks may be apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a cell is now. What is None is not known here, and then makes nothing stale."""

    vmm: str
    images: Mapping[str, str] | None = field(default=None, hash=False)
    """Role to digest."""
    plan: str | None = None
    probe: str | None = None
    catalog_entry: str | None = None
    versions: VersionRange | None = None
    """Versions of the VMM that count."""
    max_age: timedelta | None = None
    checked: bool = False
    """Whether the images are here and passed every check that needs no boot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What was seen of a cell."""

    standing: Standing
    newest: Evidence | None = None
    """The newest attempt that counts."""
    healthy: int = 0
    """How many attempts were healthy, of those that are about what the cell is now (of all, when none is)."""
    total: int = 0
    stand_ins: tuple[Evidence, ...] = ()
    """The newest attempt by each other VMM. They raise nothing."""
    reasons: tuple[str, ...] = ()
    """Why it is stale, or why its newest attempt is not healthy."""


def status(expected: Expected, evidence: Sequence[Evidence], now: datetime) -> Status:
    """The standing of a cell; `evidence` is its own and that of cells with the same images, in any order."""
    counted = in_order((one for one in evidence if one.verdict is not Verdict.INTERRUPTED), now)
    own = [one for one in counted if one.vmm == expected.vmm]
    stand_ins = tuple({one.vmm: one for one in counted if one.vmm != expected.vmm}.values())
    if not own:
        seen = Standing.CHECKED if expected.checked else Standing.DECLARED
        return Status(standing=seen, stand_ins=stand_ins)
    newest = own[-1]
    about_now = [one for one in own if not staleness(expected, one, now)] or own
    why_stale = staleness(expected, newest, now)
    return Status(
        standing=Standing.STALE if why_stale else seen_of(newest),
        newest=newest,
        healthy=sum(one.verdict is Verdict.HEALTHY for one in about_now),
        total=len(about_now),
        stand_ins=stand_ins,
        reasons=why_stale or newest.reasons,
    )


def in_order(evidence: Iterable[Evidence], now: datetime) -> list[Evidence]:
    """Attempts, the newest last; those that are not to be believed when they began come first."""
    return sorted(evidence, key=lambda one: (one.started <= now + _AHEAD, one.started, one.digest))


def seen_of(evidence: Evidence) -> Standing:
    """What one attempt says of its cell."""
    match evidence.verdict:
        case Verdict.HEALTHY:
            return Standing.HEALTHY
        case Verdict.UNHEALTHY:
            return Standing.BOOTED
        case Verdict.HUNG if evidence.reached in {Standing.STARTED, Standing.BOOTED}:
            return evidence.reached
        case _:
            return Standing.FAILED


def staleness(expected: Expected, evidence: Evidence, now: datetime) -> tuple[str, ...]:
    """Why an attempt no longer counts; empty when it does."""
    return (
        *_images(expected, evidence),
        *_changed("the launch plan", expected.plan, evidence.plan),
        *_changed("the probe", expected.probe, evidence.probe),
        *_changed("the catalog entry", expected.catalog_entry, evidence.catalog_entry),
        *_version(expected, evidence),
        *_age(expected, evidence, now),
    )


def _images(expected: Expected, evidence: Evidence) -> list[str]:
    if expected.images is None:
        return []
    roles = sorted(set(expected.images) | set(evidence.images))
    changed = [role for role in roles if expected.images.get(role) != evidence.images.get(role)]
    return [f"the {role} image is another one now" for role in changed]


def _changed(what: str, now: str | None, then: str | None) -> list[str]:
    return [f"{what} is another one now"] if now is not None and now != then else []


def _version(expected: Expected, evidence: Evidence) -> list[str]:
    if expected.versions is None:
        return []
    try:
        inside = expected.versions.contains(evidence.version)
    except UsageError:
        inside = False
    if inside:
        return []
    return [f"it ran on {evidence.vmm} {evidence.version}, and the machine wants {expected.versions.text}"]


def _age(expected: Expected, evidence: Evidence, now: datetime) -> list[str]:
    if evidence.started > now + _AHEAD:
        return [f"it says that it began on {evidence.started:%Y-%m-%d}, which is yet to come"]
    if expected.max_age is None or now - evidence.started <= expected.max_age:
        return []
    return [f"it is {(now - evidence.started).days} days old"]
