"""Naming what to work on: cells by selector, or images one by one with `--root`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from bootworthy.builders import cells
from bootworthy.builders.cells import CellImages
from bootworthy.builders.workshop import Workshop
from bootworthy.bundles import publish
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.cli import options, session
from bootworthy.errors import NotFoundError
from bootworthy.proofs import target
from bootworthy.proofs.target import Named, Target
from bootworthy.vmms import vmm as vmms
from bootworthy.vocabulary import Architecture, Role

F = TypeVar("F", bound=Callable[..., Any])

_ROLES = {
    Role.ROOT: "The root image, instead of a selector: a reference, oci:DIR:TAG, oci-archive:FILE, or an ext4 file.",
    Role.KERNEL: "The kernel image or file, when the root does not bring its own.",
    Role.MODULES: "The modules image, or an ext4 file of it.",
    Role.INITRD: "The initial RAM disk, image or file; without it one is made where the kernel needs one.",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line names."""

    catalog: str | None
    selectors: tuple[str, ...]
    named: Named

    @property
    def by_name(self) -> bool:
        """Whether images are named one by one."""
        return bool(self.named.references)

    def open_catalog(self) -> Catalog:
        """The catalog in force."""
        return session.open_catalog(self.catalog)

    def targets(self, workshop: Workshop) -> Iterator[Target]:
        """Everything that is wanted, built or fetched one after the other.

        Raises:
            UsageError: images are named one by one and a selector is there too.
        """
        catalog = self.open_catalog()
        if self.by_name:
            if self.selectors:
                raise click.UsageError("name cells by a selector or images by --root, not both")
            yield target.of_names(workshop, catalog, self.named)
            return
        found: dict[Cell, CellImages] = {}
        for cell in session.chosen(catalog, self.selectors):
            if cell.support.buildable:
                found[cell] = cells.obtain(workshop, catalog, cell)
                yield target.of_cell(workshop, cell, found[cell])
        publish.complete(workshop, catalog, found)

    def first(self, workshop: Workshop) -> Target:
        """The one target that is wanted; of several cells, the first that this machine's VMMs can launch.

        Raises:
            NotFoundError: `cell.none`, when there is nothing to boot.
        """
        catalog = self.open_catalog()
        if self.by_name:
            return next(self.targets(workshop))
        launchable = vmms.known()
        cells_ = [cell for cell in session.chosen(catalog, self.selectors) if cell.support.buildable]
        chosen = [cell for cell in cells_ if cell.machine.vmm in launchable] or cells_
        if not chosen:
            raise NotFoundError("cell.none", "no cell of these can be booted", hint="bootworthy matrix shows all")
        images = cells.obtain(workshop, catalog, chosen[0])
        publish.complete(workshop, catalog, {chosen[0]: images})
        return target.of_cell(workshop, chosen[0], images)

    def again(self, verb: str, what: Target) -> str:
        """The command that does this again for one target."""
        import shlex  # noqa: PLC0415  (only for evidence)

        words = ["bootworthy", verb]
        if self.catalog:
            words += ["-c", self.catalog]
        if what.cell is not None:
            return shlex.join([*words, what.cell.name])
        for role, reference in self.named.references.items():
            words += [f"--{role}", reference]
        if self.named.machine:
            words += ["--machine", self.named.machine]
        else:
            words += ["--vmm", what.facts.vmm, "--arch", what.architecture.value]
        return shlex.join(words)


def wanted(function: F) -> F:
    """Give a verb the ways to name images: selectors and `-c`, or `--root` and its kin with a machine.

    The verb gets one argument for all of them, `wanted`.
    """

    def gather(
        catalog: str | None,
        selectors: Sequence[str],
        machine: str | None,
        vmm: str | None,
        arch: str | None,
        **rest: Any,
    ) -> Any:
        references = {role: rest.pop(role.value) for role in _ROLES}
        named = Named(
            references={role: text for role, text in references.items() if text is not None}, machine=machine, vmm=vmm,
            architecture=Architecture.parse(arch) if arch else None,
        )  # fmt: skip
        return function(wanted=Wanted(catalog, tuple(selectors), named), **rest)

    # Click keeps the options that the verb has of its own on the function, and takes them along.
    wrapped: Any = functools.update_wrapper(gather, function)
    # Decorators list options from the last to the first.
    wrapped = click.option("--arch", metavar="A", help="The architecture for --vmm; this machine's without it.")(
        wrapped
    )
    wrapped = click.option("--vmm", metavar="V", help="The VMM for --root.")(wrapped)
    wrapped = click.option("--machine", metavar="M", help="A machine of the catalog, for --root.")(wrapped)
    for role, text in reversed(_ROLES.items()):
        wrapped = click.option(f"--{role}", metavar="REF", help=text)(wrapped)
    return options.catalog(options.selectors(wrapped))  # type: ignore[no-any-return]
