"""The one word and symbol that a cell of the matrix shows first."""

from __future__ import annotations

from enum import StrEnum

from bootworthy.vocabulary import Standing, Support


class Mark(StrEnum):
    """What was seen of a cell; or, where there is nothing to build, what the publisher says of it."""

    HEALTHY = "healthy"
    BOOTED = "booted"
    STARTED = "started"
    CHECKED = "checked"
    DECLARED = "declared"
    FAILED = "failed"
    STALE = "stale"
    PLANNED = "planned"
    UNAVAILABLE = "unavailable"

    @classmethod
    def of(cls, support: Support, standing: Standing) -> Mark:
        """The mark of a cell: an old boot says nothing about what is only planned, or is not there any more."""
        return cls(standing.value if support.buildable else support.value)

    def symbol(self, *, emulated: bool = False, ascii_only: bool = False) -> str:
        """One character, one column wide. A healthy boot under emulation has another tick than one under KVM."""
        plain, rich = _SYMBOLS[self]
        if self is Mark.HEALTHY and emulated:
            plain, rich = "~", "✓"
        return plain if ascii_only else rich

    @property
    def meaning(self) -> str:
        """What the word says, in one sentence without its end."""
        return _MEANINGS[self]


_SYMBOLS = {
    Mark.HEALTHY: ("+", "✔"),
    Mark.BOOTED: ("=", "◑"),
    Mark.STARTED: (">", "◔"),
    Mark.CHECKED: ("o", "○"),
    Mark.DECLARED: (".", "·"),
    Mark.FAILED: ("x", "✘"),
    Mark.STALE: ("!", "↻"),
    Mark.PLANNED: ("?", "…"),
    Mark.UNAVAILABLE: ("-", "—"),
}

_MEANINGS = {
    Mark.HEALTHY: "it booted, its init system is up, and no unit failed",
    Mark.BOOTED: "userspace came up; it was not seen healthy",
    Mark.STARTED: "the kernel spoke; userspace was not seen",
    Mark.CHECKED: "the images pass every check that needs no boot; it was not booted",
    Mark.DECLARED: "it is promised; nothing was seen of it",
    Mark.FAILED: "its newest boot ended badly",
    Mark.STALE: "what was seen of it no longer counts",
    Mark.PLANNED: "it is to come; there is nothing to build yet",
    Mark.UNAVAILABLE: "there is none",
}

EMULATED = "emulated"
"""The word for a boot under TCG."""
EMULATED_MEANING = "QEMU's TCG executed every instruction in software, not the processor itself (KVM)"
