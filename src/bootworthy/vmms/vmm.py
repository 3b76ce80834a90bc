"""What every VMM file offers, and how it is found: a new VMM is one new module of this folder that holds `VMM`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from bootworthy.errors import NotFoundError
from bootworthy.host import registry
from bootworthy.host.tools import Tool
from bootworthy.machines.facts import MachineFacts
from bootworthy.vmms.plan import LaunchPlan
from bootworthy.vocabulary import Accelerator, Finding


class Vmm(Protocol):
    """A program that runs VMs."""

    @property
    def facts(self) -> MachineFacts:
        """What it takes and gives."""

    @property
    def tool(self) -> Tool:
        """The program itself."""

    def version(self, binary: Path) -> str:
        """Its version: `10.0.2`.

        Raises:
            HostError: `vmm.version`, when the program does not say.
        """

    def fitness(self, version: str, kernel_release: str | None, accelerator: Accelerator) -> list[Finding]:
        """What is known to go wrong with this version, for such a kernel, under this accelerator."""

    def clock(self, accelerator: Accelerator) -> tuple[str, ...]:
        """Words for the kernel command line about this host's clock."""

    def argv(self, plan: LaunchPlan, binary: Path, *, interactive: bool = False) -> list[str]:
        """The command that runs a plan with the guest's console on standard output (and input, if interactive)."""

    def blames_image(self, words: str) -> bool:
        """Whether what the VMM said before it gave up is about the image rather than about this host."""


def known() -> dict[str, Vmm]:
    """Every VMM that can be launched, by name."""
    return dict(registry.scan("bootworthy.vmms", "VMM"))


def vmm(name: str) -> Vmm:
    """One VMM.

    Raises:
        NotFoundError: `vmm.unknown`.
    """
    every = known()
    if name not in every:
        raise NotFoundError("vmm.unknown", f"{name!r} cannot be launched from here", hint=_nearest(name, list(every)))
    return every[name]


def _nearest(name: str, every: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, every, 1)
    return f"did you mean {near[0]}?" if near else f"what can: {', '.join(every)}"
