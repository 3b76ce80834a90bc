"""Every microVM of many manifests in one table: which image, which kernel, what is past its end of life."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from bootworthy.targets.lint import lifetimes
from bootworthy.targets.lint.detection import machines
from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.lifetimes import Lifetime
from bootworthy.targets.lint.machine import Machine, reference, said
from bootworthy.targets.lint.tree import Node

SCHEMA = "bootworthy.lint-table/1"
HEAD = ("where", "what", "kernel", "root", "past its end of life")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One microVM."""

    where: str
    """`file:line`."""
    what: str
    kernel: str
    """Its reference; empty where there is none, or a variable stands for it."""
    root: str
    lifetimes: tuple[Lifetime, ...]
    """All that its images tell."""

    def past(self, day: date) -> tuple[Lifetime, ...]:
        """Those that are over on a day."""
        return tuple(each for each in self.lifetimes if each.over(day))

    def cells(self, day: date) -> tuple[str, ...]:
        """For people."""
        return self.where, self.what, self.kernel or "-", self.root or "-", "; ".join(map(str, self.past(day))) or "-"

    def as_json(self, day: date) -> dict[str, Any]:
        """For programs."""
        return {
            "where": self.where,
            "what": self.what,
            "kernel": self.kernel,
            "root": self.root,
            "lifetimes": [{"what": each.what, "until": each.until, "over": each.over(day)} for each in self.lifetimes],
        }


def rows(sources: Iterable[Source]) -> Iterator[Row]:
    """A row for each microVM, in the order of the files."""
    for source in sources:
        for machine in machines(source):
            yield _row(source, machine)


def _row(source: Source, machine: Machine) -> Row:
    root = machine.root.image if machine.root else None
    kernel_image, root_image = reference(machine.kernel_image), reference(root)
    ends = [*lifetimes.of_kernel(kernel_image, machine.vmm)] if kernel_image else []
    ends += lifetimes.of_root(root_image) if root_image else []
    line = source.mark(machine.span.start).line
    return Row(
        where=_shown(f"{source.name}:{line}"), what=_shown(machine.title), kernel=_named(machine.kernel_image),
        root=_named(root), lifetimes=tuple(ends),
    )  # fmt: skip


def _named(node: Node | None) -> str:
    return _shown(said(node) or "")


def _shown(text: str) -> str:
    """What a terminal bears, in one line."""
    return "".join(one if one.isprintable() else "?" for one in text)
