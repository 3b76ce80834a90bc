"""`bootworthy build`: cells' images into the store, and the bundles that join them."""

from __future__ import annotations

import click

from bootworthy.builders import cells
from bootworthy.builders.cells import CellImages
from bootworthy.bundles import publish
from bootworthy.bundles.publish import Published
from bootworthy.catalog.entries import Cell
from bootworthy.cli import options, output, session
from bootworthy.cli.session import Session


@click.command("build", short_help="Cells' images into the store")
@options.selectors
@options.catalog
@click.option("--refresh", is_flag=True, help="Ask mirrors whether they moved, and build again what they moved.")
@click.option("--why", is_flag=True, help="Build nothing: say what would be built, and why.")
@options.as_json
def COMMAND(selectors: tuple[str, ...], catalog: str | None, *, refresh: bool, why: bool, as_json: bool) -> None:  # noqa: N802
    """Build the images of the cells that SELECTORs name; what is there already is not built again.

    The images of a system and a kernel are joined in a bundle, REGISTRY/SYSTEM:KERNEL. Cells that a lock file holds are
    what it says.
    """
    here = Session.begin()
    opened = session.open_catalog(catalog)
    chosen = [cell for cell in session.chosen(opened, selectors) if cell.support.buildable]
    with output.progress() as progress:
        workshop = here.workshop(progress, refresh=refresh)
        if why:
            _say_why({cell: cells.reasons(workshop, opened, cell) for cell in chosen}, as_json=as_json)
            return
        found = {cell: cells.obtain(workshop, opened, cell) for cell in chosen}
        bundles = publish.publish(workshop, opened, found)
    if as_json:
        output.document(
            {
                "schema": "bootworthy.build-result/1", "cells": [_cell(cell, each) for cell, each in found.items()],
                "bundles": [each.as_json() for each in bundles],
            }
        )  # fmt: skip
        return
    for cell, images in found.items():
        output.result(f"{cell.name}: {_said(images.reasons, why=False)}")
        for role, reference in images.references.items():
            output.result(f"  {role:<8} {reference}")
    for bundle in bundles:
        output.result(_bundle(bundle))


def _say_why(found: dict[Cell, tuple[str, ...]], *, as_json: bool) -> None:
    if as_json:
        cells_ = [{"cell": cell.name, "reasons": list(reasons)} for cell, reasons in found.items()]
        output.document({"schema": "bootworthy.build-result/1", "cells": cells_})
        return
    for cell, reasons in found.items():
        output.result(f"{cell.name}: {_said(reasons, why=True)}")


def _cell(cell: Cell, images: CellImages) -> dict[str, object]:
    return {
        "cell": cell.name, "images": dict(images.references), "digests": dict(images.digests),
        "reasons": list(images.reasons),
    }  # fmt: skip


def _bundle(bundle: Published) -> str:
    return f"bundle {bundle.name}\n  {'always':<8} {bundle.fixed}\n  {'digest':<8} {bundle.digest}"


def _said(reasons: tuple[str, ...], *, why: bool) -> str:
    if not reasons:
        return "up to date"
    return "\n  ".join(["would be built:" if why else "built:", *dict.fromkeys(reasons)])
