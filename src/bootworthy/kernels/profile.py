"""Profiles of kernels: what a kernel is configured with to serve a purpose, and why.

A profile is a TOML file in `profiles/`: `title`, `sources`, other profiles that it `includes`, and `symbols`, each with
the value it `is` and `why`. `or` names symbols that serve as well, `on` the one architecture it is about, `since` and
`until` series of Linux (the first it is about, the first it is about no more). A list has one of these for each case.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bootworthy.errors import BuildError, NotFoundError
from bootworthy.kernels.config import Config
from bootworthy.vocabulary import Architecture

BASE = "base configuration"
"""Who wants what no profile wants."""

_SUFFIX = ".toml"
_SERIES = re.compile(r"(\d{1,4})\.(\d{1,4})(?!\d)")
_STRENGTH = {"n": 0, "m": 1, "y": 2}


@dataclass(frozen=True, slots=True)
class Want:
    """One symbol of the configuration, and what it should be."""

    symbol: str
    """Without `CONFIG_`."""
    value: str
    """`y`: built in; `m`: a module, and built in is as good; `n`: not set."""
    why: str
    """One sentence."""
    profile: str
    """The profile whose want it is."""
    alternatives: tuple[str, ...] = ()
    """Symbols that serve as well, where one of them has the value."""
    architecture: Architecture | None = None
    """The only architecture it is about; None for all."""
    since: str | None = None
    """The first series it is about, as `6.1`."""
    until: str | None = None
    """The first series it is about no more."""

    def applies(self, architecture: Architecture, release: str | None) -> bool:
        """Whether it is about a kernel of that release. What is about some series is asked of none that is unknown."""
        if self.architecture not in {None, architecture}:
            return False
        if self.since is None and self.until is None:
            return True
        series = _series(release)
        if series is None:
            return False
        return (_series(self.since) or series) <= series < (_series(self.until) or (*series, 1))

    def met(self, config: Mapping[str, str]) -> bool:
        """Whether a configuration gives what is wanted."""
        found = [config.get(symbol, "n") for symbol in (self.symbol, *self.alternatives)]
        if self.value == "n":
            return all(value == "n" for value in found)
        return any(_STRENGTH.get(value, 0) >= _STRENGTH[self.value] for value in found)

    def __str__(self) -> str:
        return f"{self.symbol}={self.value}"


@dataclass(frozen=True, slots=True)
class Profile:
    """A purpose of kernels."""

    name: str
    title: str
    sources: tuple[str, ...]
    """The documents it comes from."""
    wants: tuple[Want, ...]
    """Its own, and those of the profiles it includes."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A want that a kernel does not meet."""

    want: Want
    found: str | None
    """The value the symbol has; None when the configuration does not know it."""

    def as_json(self) -> dict[str, object]:
        """The lack as programs read it."""
        want = self.want
        return {
            "symbol": want.symbol, "wanted": want.value, "found": self.found, "or": list(want.alternatives),
            "profile": want.profile, "why": want.why,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """A kernel held against a profile."""

    profile: Profile
    fulfilled: tuple[Want, ...]
    lacking: tuple[Lack, ...]

    @property
    def met(self) -> bool:
        """Whether nothing is lacking."""
        return not self.lacking


def known() -> tuple[str, ...]:
    """The names of all profiles, sorted."""
    folder = importlib.resources.files("bootworthy.kernels") / "profiles"
    return tuple(sorted(file.name.removesuffix(_SUFFIX) for file in folder.iterdir() if file.name.endswith(_SUFFIX)))


@functools.cache
def load(name: str) -> Profile:
    """The profile of that name, with what it includes.

    Raises:
        NotFoundError: `kernel.unknown-profile`, with the nearest name.
    """
    if name not in known():
        near = difflib.get_close_matches(name, known(), 1)
        every = f"known: {', '.join(known())}"
        raise NotFoundError(
            "kernel.unknown-profile", f"no profile of kernels is called {name!r}",
            hint=f"did you mean {near[0]}? ({every})" if near else every,
        )  # fmt: skip
    file = importlib.resources.files("bootworthy.kernels") / "profiles" / f"{name}{_SUFFIX}"
    return parse(name, file.read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Profile:
    """The profile that a text holds. The texts are ours, and a test holds each to what is written above."""
    document = tomllib.loads(text)
    cases = {symbol: case if isinstance(case, list) else [case] for symbol, case in document["symbols"].items()}
    own = [_want(name, symbol, fields) for symbol, several in cases.items() for fields in several]
    included = [want for other in document.get("includes", ()) for want in load(other).wants]
    return Profile(name, document["title"], tuple(document["sources"]), (*own, *included))


def judge(profile: Profile, config: Mapping[str, str], architecture: Architecture, release: str | None) -> Report:
    """Hold a kernel's configuration against a profile; `release` as `uname -r` shows it, or None when unknown."""
    asked = _strongest(want for want in profile.wants if want.applies(architecture, release))
    fulfilled = tuple(want for want in asked if want.met(config))
    lacking = tuple(Lack(want, config.get(want.symbol)) for want in asked if not want.met(config))
    return Report(profile, fulfilled, lacking)


def wanted(
    names: Sequence[str], architecture: Architecture, release: str | None, *, base: Config | None = None
) -> Mapping[str, Want]:
    """What several profiles want of a kernel, by symbol; the stronger value where two differ in it.

    `base` is the configuration below them: what it says `y`, `m` or `n` of is wanted too, where no profile says
    otherwise; its `y` stays where a profile would be content with `m`.

    Raises:
        NotFoundError: `kernel.unknown-profile`.
        BuildError: `kernel.profile-conflict`, with every symbol that one profile wants and another one refuses.
    """
    return merge([load(name) for name in names], architecture, release, base=base)


def merge(
    profiles: Iterable[Profile], architecture: Architecture, release: str | None, *, base: Config | None = None
) -> Mapping[str, Want]:
    """As `wanted`, of profiles at hand.

    Raises:
        BuildError: `kernel.profile-conflict`.
    """
    asked = [want for each in profiles for want in each.wants if want.applies(architecture, release)]
    conflicts = sorted(_conflicts(asked))
    if conflicts:
        raise BuildError(
            "kernel.profile-conflict", f"the profiles contradict each other: {'; '.join(conflicts)}",
            hint="leave one of them out",
        )  # fmt: skip
    merged = {want.symbol: want for want in _strongest(asked)}
    for symbol, value in (base or {}).items():
        want = merged.get(symbol)
        if value in _STRENGTH and (want is None or (want.value == "m" and value == "y")):
            merged[symbol] = Want(symbol, value, "The base configuration says so.", BASE)
    return dict(sorted(merged.items()))


def fragment(wanted: Mapping[str, Want]) -> str:
    """What is wanted as lines of a `.config`, sorted by symbol; of alternatives the first."""
    return "".join(
        f"# CONFIG_{symbol} is not set\n" if want.value == "n" else f"CONFIG_{symbol}={want.value}\n"
        for symbol, want in sorted(wanted.items())
    )


def _want(profile: str, symbol: str, fields: Mapping[str, Any]) -> Want:
    return Want(
        symbol, fields["is"], fields["why"], profile, tuple(fields.get("or", ())),
        Architecture(fields["on"]) if "on" in fields else None, fields.get("since"), fields.get("until"),
    )  # fmt: skip


def _strongest(wants: Iterable[Want]) -> tuple[Want, ...]:
    """One want a symbol: the strongest, of equals the first."""
    strongest: dict[str, Want] = {}
    for want in wants:
        there = strongest.setdefault(want.symbol, want)
        if _STRENGTH[want.value] > _STRENGTH[there.value]:
            strongest[want.symbol] = want
    return tuple(want for _, want in sorted(strongest.items()))


def _conflicts(wants: Sequence[Want]) -> Iterator[str]:
    refused = {want.symbol: want for want in wants if want.value == "n"}
    told = set()
    for want in wants:
        other = refused.get(want.symbol)
        if other is not None and want.value != "n" and want.symbol not in told:
            told.add(want.symbol)
            yield f"{want} is what {want.profile} wants, and {other} what {other.profile} wants"


def _series(text: str | None) -> tuple[int, int] | None:
    match = _SERIES.match(text or "")
    return None if match is None else (int(match[1]), int(match[2]))
