"""`bootworthy lock`: hold a catalog to the images that are here now."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import click

from bootworthy.bundles import drift, lock
from bootworthy.bundles.drift import Drift
from bootworthy.bundles.members import inside
from bootworthy.catalog.entries import Catalog
from bootworthy.catalog.pins import PinnedCell
from bootworthy.cli import options, output, session
from bootworthy.cli.session import Session
from bootworthy.cli.text import counted
from bootworthy.errors import NotFoundError, RefusedError, UsageError
from bootworthy.host import files
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.remote import Registries


@click.command("lock", short_help="Hold a catalog to the images that are here now")
@options.selectors
@options.catalog
@click.option("--check", is_flag=True, help="Write nothing: leave with 1 when something differs from the lock file.")
@click.option("--mirrors", is_flag=True, help="With --check, ask mirrors too whether they have the locked packages.")
@options.as_json
def COMMAND(selectors: tuple[str, ...], catalog: str | None, *, check: bool, mirrors: bool, as_json: bool) -> None:  # noqa: N802
    """Write the digests of every image of the chosen cells, and the packages they were built from, beside the catalog.

    Every other verb uses those then, whatever their names mean later. What was locked of other cells stays. --check
    asks the registries what moved, and says what the catalog has changed.
    """
    here = Session.begin()
    opened = session.open_catalog(catalog)
    if mirrors and not check:
        raise click.UsageError("--mirrors goes with --check")
    with output.progress() as progress:
        registries = here.registries(progress, catalog=catalog)
        if check:
            _check(here, opened, selectors, registries, mirrors=mirrors, as_json=as_json)
            return
        workshop = here.workshop(progress)
        chosen = session.chosen(opened, selectors)
        pins = lock.lock(workshop, opened, chosen, _upstream(registries), _now())
        path = session.lock_file(opened)
        files.write(path, pins.render())
        lock.keep(workshop, replace(opened, pins=pins), chosen)
    changed = [name for name, cell in pins.cells.items() if opened.pins.cells.get(name) != cell]
    gone = sorted(opened.pins.cells.keys() - pins.cells.keys())
    if as_json:
        cells = {name: _cell(cell) for name, cell in pins.cells.items()}
        document = {"schema": "bootworthy.locked/1", "file": str(path), "cells": cells}
        output.document({**document, "changed": changed, "removed": gone})
        return
    for name in changed:
        images = pins.cells[name].images
        output.result("\n".join([f"{name}:", *(f"  {role:<8} {pin.digest}" for role, pin in images.items())]))
    for name in gone:
        output.result(f"{name}: gone from the catalog")
    same = len(pins.cells) - len(changed)
    output.result(f"{path}: {counted(len(pins.cells), 'cell')} locked" + (f", {same} as they were" if same else ""))


def _upstream(registries: Registries) -> Callable[[Reference], Descriptor]:
    known: dict[Reference, Descriptor] = {}

    def ask(reference: Reference) -> Descriptor:
        if reference not in known:
            known[reference] = registries.source(reference).resolve(reference.digest or reference.tag or "latest")
        return known[reference]

    return ask


def _bundled(registries: Registries) -> drift.Bundled:
    def ask(reference: Reference) -> frozenset[str]:
        place = registries.source(reference)
        descriptor = place.resolve(reference.tag or "latest")
        return inside(place.manifest(descriptor), descriptor, str(reference))

    return ask


def _now() -> str:
    """The one clock that what we write has; SOURCE_DATE_EPOCH stops it (reproducible-builds.org)."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        now = datetime.fromtimestamp(int(said), UTC) if said else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError("lock.bad-epoch", f"SOURCE_DATE_EPOCH is {said!r}, and no number of seconds") from error
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _check(
    here: Session, opened: Catalog, selectors: tuple[str, ...], registries: Registries, *, mirrors: bool, as_json: bool
) -> None:
    path = session.lock_file(opened)
    if not path.exists():
        raise NotFoundError("lock.no-file", "there is no lock file", where=str(path), hint="bootworthy lock")
    found = drift.drift(
        here.workshop(), opened, session.chosen(opened, selectors), _upstream(registries), _bundled(registries),
        whole=not selectors, mirrors=mirrors,
    )  # fmt: skip
    if as_json:
        differences = [each.as_json() for each in found]
        output.document({"schema": "bootworthy.lock-check/1", "file": str(path), "differences": differences})
    else:
        output.result("\n".join(map(_line, found)) or f"{path}: nothing differs")
    if found:
        raise RefusedError(
            "lock.drift", f"{counted(len(found), 'difference')} from the lock file", where=str(path),
            hint="bootworthy lock takes what is here; bootworthy pull brings what moved",
        )  # fmt: skip


def _line(each: Drift) -> str:
    return f"{each.kind}: {each.subject}: {each.message}"


def _cell(cell: PinnedCell) -> dict[str, object]:
    return {
        "images": {role: pin.as_json() for role, pin in cell.images.items()}, "kernel-release": cell.kernel_release,
        "resolved": cell.resolved,
    }  # fmt: skip
