"""Versions and ranges of them: `>0.7.0`, `>=7.2,<11`. Order as in Semantic Versioning 2.0.0, section 11, with any
number of numeric parts; parts left out are zero; a leading `v` and build metadata do not count."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne

from bootworthy.errors import UsageError

_VERSION = re.compile(r"v?(\d{1,18}(?:\.\d{1,18})*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_TERM = re.compile(r"(<=|>=|==|!=|<|>|=)?\s*(\S+)")
_OPERATORS: dict[str, Callable[[Version, Version], bool]] = {
    "<": lt, "<=": le, ">": gt, ">=": ge, "=": eq, "==": eq, "!=": ne,
}  # fmt: skip


@functools.total_ordering
class Version:
    """One version, compared by its parts."""

    __slots__ = ("_key", "text")

    def __init__(self, text: str) -> None:
        """Read a version.

        Raises:
            UsageError: `version.bad`.
        """
        match = _VERSION.fullmatch(text)
        if not match:
            raise UsageError("version.bad", f"{text!r} is no version", hint="write numbers with dots: 1.7.0")
        numbers = [int(part) for part in match[1].split(".")]
        while numbers and not numbers[-1]:
            numbers.pop()
        self.text = text
        # A release comes after its pre-releases; in these, numbers come before words.
        pre = tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in match[2].split(".")) if match[2] else ()
        self._key = (tuple(numbers), not pre, pre)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key == other._key

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Version({self.text!r})"


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Conditions joined with commas, all of which must hold."""

    text: str
    terms: tuple[tuple[str, Version], ...]

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """Read a range.

        Raises:
            UsageError: `version.bad`.
        """
        terms = []
        for word in text.split(","):
            match = _TERM.fullmatch(word.strip())
            if not match:
                raise UsageError("version.bad", f"{text!r} is no range of versions", hint='write ">=1.7.0,<2"')
            terms.append((match[1] or "=", Version(match[2])))
        return cls(text, tuple(terms))

    def contains(self, version: Version | str) -> bool:
        """Whether a version is inside.

        Raises:
            UsageError: `version.bad`.
        """
        asked = Version(version) if isinstance(version, str) else version
        return all(_OPERATORS[operator](asked, limit) for operator, limit in self.terms)

    def __str__(self) -> str:
        return self.text
