"""What a kernel is asked to be configured with: a base configuration and profiles, joined for one source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bootworthy.kernels import profile
from bootworthy.kernels.base import Base
from bootworthy.kernels.config import Config
from bootworthy.kernels.drift import Drift
from bootworthy.kernels.kconfig import Symbols
from bootworthy.kernels.profile import BASE, Want
from bootworthy.vocabulary import Architecture

_OURS: Mapping[str, str] = {
    "LOCALVERSION_AUTO": "n",
    "MODULE_SIG": "n", "MODULE_SIG_ALL": "n", "MODULE_SIG_FORCE": "n",
    "RANDSTRUCT_FULL": "n", "RANDSTRUCT_PERFORMANCE": "n", "GCC_PLUGIN_RANDSTRUCT": "n",
}  # fmt: skip
"""What no base configuration decides: a key or a seed that is drawn anew each time, and the state of a repository."""
_FILES = frozenset({"MODULE_SIG_KEY", "SYSTEM_TRUSTED_KEYS", "SYSTEM_REVOCATION_KEYS", "SYSTEM_BLACKLIST_HASH_LIST"})
"""Symbols that name files of the machine where a base configuration comes from."""


@dataclass(frozen=True, slots=True)
class Request:
    """A configuration to ask the kernel's build for."""

    wanted: Mapping[str, Want]
    """What must come out."""
    text: str
    """As lines of a `.config`."""
    target: str
    """The target of `make` that decides the rest."""
    symbols: Symbols = field(repr=False)
    """Those of the source."""

    def refuses(self, drift: Drift, outcome: Config) -> bool:
        """Whether a difference between this and the outcome matters. What a base configuration has off may be switched
        on by what needs it: a `.config` says that of every symbol, wanted or not.
        """
        if drift.want.profile != BASE or drift.want.value != "n":
            return True
        selections = self.symbols.selections.get(drift.want.symbol, ())
        return all(outcome.get(selection.by, "n") == "n" for selection in selections)


def join(
    base: Base, profiles: Sequence[str], architecture: Architecture, release: str, symbols: Symbols
) -> Request:  # fmt: skip
    """Join a base configuration and profiles for the source that has these symbols.

    What nobody can ask for (a symbol without a prompt) is left to the build, and so is what our own configurations have
    for other releases of Linux.

    Raises:
        NotFoundError: `kernel.unknown-profile`.
        BuildError: `kernel.profile-conflict`.
    """
    kept = Config({symbol: value for symbol, value in base.config.items() if _can_be_asked(symbol, base, symbols)})
    wanted = profile.wanted(profiles, architecture, release, base=Config({**kept, **_ours(symbols)}))
    valued = [line for symbol, line in sorted(base.valued().items()) if symbol not in _FILES and symbol not in wanted]
    emptied = [f'CONFIG_{symbol}=""' for symbol in sorted(_FILES & symbols.definitions.keys())]
    lines = "".join(f"{line}\n" for line in (*valued, *emptied))
    return Request(wanted, lines + profile.fragment(wanted), base.target, symbols)


def _ours(symbols: Symbols) -> dict[str, str]:
    return {symbol: value for symbol, value in _OURS.items() if symbol in symbols.definitions}


def _can_be_asked(symbol: str, base: Base, symbols: Symbols) -> bool:
    definitions = symbols.definitions.get(symbol)
    if definitions is None:
        return not base.ours
    return any(definition.prompt for definition in definitions)
