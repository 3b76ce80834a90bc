"""What every format of a report offers, and how it is found: a new format is one new module here with `FORMAT`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from bootworthy.checks.reports.report import Report
from bootworthy.errors import UsageError
from bootworthy.host import registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the place that shows the report can do. Only the text for people depends on it."""

    colour: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a report down; its name is that of its module."""

    title: str
    render: Callable[[Report, Look], str]
    """The whole document, ending with one newline."""


def known() -> dict[str, Format]:
    """Every format, by name.

    Raises:
        HostError: `plugin.broken`, `plugin.duplicate`.
    """
    return registry.scan("bootworthy.checks.reports", "FORMAT", Format)


def find(name: str) -> Format:
    """One format.

    Raises:
        UsageError: `check.unknown-format`.
    """
    every = known()
    if name not in every:
        near = difflib.get_close_matches(name, every, 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(every)}"
        raise UsageError("check.unknown-format", f"a report of checks has no format {name!r}", hint=hint)
    return every[name]
