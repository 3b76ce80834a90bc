"""`bootworthy build`: cells' images into the store."""

from __future__ import annotations

import click

from bootworthy.builders import cells
from bootworthy.cli import options, output, session
from bootworthy.cli.session import Session


@click.command("build", short_help="Cells' images into the store")
@options.selectors
@options.catalog
@click.option("--refresh", is_flag=True, help="Ask mirrors whether they moved, and build again what they moved.")
@click.option("--why", is_flag=True, help="Build nothing: say what would be built, and why.")
@options.as_json
def COMMAND(selectors: tuple[str, ...], catalog: str | None, *, refresh: bool, why: bool, as_json: bool) -> None:  # noqa: N802
    """Build the images of the cells that SELECTORs name; what is there already is not built again."""
    here = Session.begin()
    opened = session.open_catalog(catalog)
    chosen = [cell for cell in session.chosen(opened, selectors) if cell.support.buildable]
    found: list[dict[str, object]] = []
    with output.progress() as progress:
        workshop = here.workshop(progress, refresh=refresh)
        for cell in chosen:
            if why:
                found.append({"cell": cell.name, "reasons": list(cells.reasons(workshop, cell))})
                continue
            images = cells.obtain(workshop, opened, cell)
            found.append(
                {
                    "cell": cell.name, "images": dict(images.references), "digests": dict(images.digests),
                    "reasons": list(images.reasons),
                }
            )  # fmt: skip
    if as_json:
        output.document({"schema": "bootworthy.build-result/1", "cells": found})
        return
    for each in found:
        reasons = each["reasons"]
        assert isinstance(reasons, list)
        output.result(f"{each['cell']}: {_said(reasons, why=why)}")
        images_ = each.get("images")
        for role, reference in images_.items() if isinstance(images_, dict) else ():
            output.result(f"  {role:<8} {reference}")


def _said(reasons: list[str], *, why: bool) -> str:
    if not reasons:
        return "up to date"
    return "\n  ".join(["would be built:" if why else "built:", *dict.fromkeys(reasons)])
