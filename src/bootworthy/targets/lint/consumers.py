"""The programs a document is for, and the versions that rules are asked about."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from bootworthy.catalog.versions import Version, VersionRange
from bootworthy.errors import UsageError
from bootworthy.vocabulary import Architecture

NEWEST: Mapping[str, str] = {
    "flintlock": "0.11.0",
    "capmvm": "0.10.1",
    "hammertime": "0.0.11",
    "grpcurl": "1.9.3",
    "firecracker": "1.16.1",
    "cloud-hypervisor": "53.0",
}
"""What is assumed of a program that nobody names a version of: the newest that the rules were written for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the rules are asked about."""

    at: date
    versions: Mapping[str, Version] = field(default_factory=dict)
    """Those that were named."""
    architecture: Architecture = Architecture.X86_64

    def version(self, consumer: str) -> Version:
        """The version that was named, or the newest."""
        return self.versions.get(consumer) or Version(NEWEST[consumer])

    def within(self, ranges: Mapping[str, VersionRange]) -> bool:
        """Whether every one of these programs is of a version in its range."""
        return all(range_.contains(self.version(consumer)) for consumer, range_ in ranges.items())


def parse(words: Iterable[str]) -> dict[str, Version]:
    """`flintlock=0.9.0`; `hammertime` alone is its newest version.

    Raises:
        UsageError: `lint.unknown-consumer`, `version.bad`.
    """
    found: dict[str, Version] = {}
    for word in words:
        name, equals, version = word.partition("=")
        if name not in NEWEST:
            near = difflib.get_close_matches(name, NEWEST, 1)
            hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(NEWEST)}, with =VERSION"
            raise UsageError("lint.unknown-consumer", f"no rule knows a program {name!r}", hint=hint)
        found[name] = Version(version if equals else NEWEST[name])
    return found
