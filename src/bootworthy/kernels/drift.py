"""What the kernel's build made of the configuration that was asked for, and why.

`make olddefconfig` drops a symbol whose dependencies are not met, and says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import BuildError
from bootworthy.kernels import kconfig
from bootworthy.kernels.config import Config
from bootworthy.kernels.profile import Want
from bootworthy.kernels.reason import Outcome
from bootworthy.vocabulary import Architecture


@dataclass(frozen=True, slots=True)
class Drift:
    """One symbol that is not what was wanted."""

    want: Want
    found: str | None
    """Its value in the outcome; None when it is not there at all."""
    reason: str
    """Why, as the end of a sentence: `it needs NETFILTER_ADVANCED, which is not set`."""

    def __str__(self) -> str:
        became = "was dropped" if self.found in {None, "n"} else f"became {self.found}"
        return f"{self.want} ({self.want.profile}) {became}: {self.reason}"


def differences(
    wanted: Mapping[str, Want], config: Config, source: Path, architecture: Architecture
) -> tuple[Drift, ...]:
    """Every wanted symbol that the outcome `config` does not give, sorted, with the reason.

    The reason is read from the Kconfig files in the folder `source`. Where they cannot be read, that is the reason
    given, and the symbols are named all the same.
    """
    dropped = [want for _, want in sorted(wanted.items()) if not want.met(config)]
    if not dropped:
        return ()
    try:
        outcome = Outcome(kconfig.symbols(source, architecture), config)
    except BuildError as fault:
        return tuple(Drift(want, config.get(want.symbol), f"nobody can tell why: {fault}") for want in dropped)
    return tuple(Drift(want, config.get(want.symbol), outcome.why(want.symbol, want.value)) for want in dropped)


def refuse(differences: Sequence[Drift], where: str | None) -> None:
    """Do nothing where there are no differences.

    Raises:
        BuildError: `kernel.config-drift`, naming every one.
    """
    if not differences:
        return
    count = "one symbol" if len(differences) == 1 else f"{len(differences)} symbols"
    lines = "".join(f"\n  {each}" for each in differences)
    raise BuildError(
        "kernel.config-drift", f"the kernel's configuration differs in {count} from what was asked for:{lines}",
        where=where, hint="add what is missing to the base configuration or a profile, or leave the profile out",
    )  # fmt: skip
