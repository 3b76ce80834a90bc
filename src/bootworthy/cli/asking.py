"""What a check is asked beside images and machine: as of which day, under which command line, on which release."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import click

from bootworthy.catalog.versions import Version
from bootworthy.proofs.target import Target

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks."""

    at: date
    told: str | None
    version: Version | None

    def about(self, target: Target) -> Target:
        """The target as it is asked about."""
        return replace(target, at=self.at, told=self.told, version=self.version)


def asked(function: F) -> F:
    """Give a verb `--at`, `--cmdline` and `--vmm-version`; it gets one argument for all of them, `asked`."""

    def gather(at: datetime | None, cmdline: str | None, vmm_version: str | None, **rest: Any) -> Any:
        day = at.date() if at is not None else datetime.now(UTC).date()
        return function(asked=Asked(day, cmdline, Version(vmm_version) if vmm_version else None), **rest)

    # As with `images.wanted`: click keeps the options of the verb on the function.
    wrapped: Any = functools.update_wrapper(gather, function)
    wrapped = click.option(
        "--vmm-version", metavar="VERSION", help="The oldest release of the VMM; else what the catalog asks for."
    )(wrapped)
    wrapped = click.option("--cmdline", metavar="TEXT", help="The kernel command line, instead of ours.")(wrapped)
    return click.option(  # type: ignore[no-any-return]
        "--at", type=click.DateTime(formats=["%Y-%m-%d"]), metavar="DATE", help="As of this day, YYYY-MM-DD, not today."
    )(wrapped)
