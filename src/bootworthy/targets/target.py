"""What every format offers, and how it is found: a new format is one new module of this folder that holds `TARGET`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bootworthy.catalog.mistakes import nearest
from bootworthy.errors import NotFoundError, RefusedError
from bootworthy.host import registry
from bootworthy.targets.consumer import Consumer, Versions
from bootworthy.targets.guest import Guest
from bootworthy.vmms.plan import LaunchPlan


@dataclass(frozen=True, slots=True)
class Document:
    """What is written, and what whoever uses it must know."""

    text: str
    """The whole document, ending with one newline."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One format; its name is that of its module."""

    title: str
    consumers: tuple[Consumer, ...]
    """Who reads it, and whose versions decide what it may say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTarget(Target):
    """A format that names images; its consumer pulls them."""

    render: Callable[[Guest, Versions], Document]
    """Raises RefusedError with an `emit.` code, when the consumer cannot run such a guest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTarget(Target):
    """A format that names files of the host: a launch plan, written out for its VMM."""

    vmm: str
    """The VMM that it is for, as its facts are called."""
    render: Callable[[LaunchPlan, Versions, str | None], Document]
    """The third is the TAP device of the host that the guest's NIC is joined to; None for no NIC."""


def known() -> dict[str, Target]:
    """Every format, by name."""
    return registry.scan("bootworthy.targets", "TARGET", Target)


def find(name: str) -> Target:
    """One format.

    Raises:
        NotFoundError: `emit.unknown-format`.
    """
    every = known()
    if name not in every:
        raise NotFoundError("emit.unknown-format", f"there is no format {name!r}", hint=nearest(name, list(every)))
    return every[name]


def refused(code: str, message: str, hint: str) -> RefusedError:
    """The error of a guest that a consumer cannot run."""
    return RefusedError(f"emit.{code}", message, hint=hint)
