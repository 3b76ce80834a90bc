"""`bootworthy matrix`: the support matrix with standings; `--require` makes it a gate."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime, timedelta

import click

from bootworthy.catalog import dates
from bootworthy.catalog.entries import Catalog
from bootworthy.cli import options, output, session
from bootworthy.cli.session import Session
from bootworthy.errors import RefusedError
from bootworthy.matrix import format as formats
from bootworthy.matrix.model import Matrix, Tile, build, falls_short
from bootworthy.proofs.evidence import EvidenceStore
from bootworthy.proofs.survey import survey
from bootworthy.vocabulary import Standing

_REQUIRED = [Standing.CHECKED.value, Standing.STARTED.value, Standing.BOOTED.value, Standing.HEALTHY.value]


@click.command("matrix", short_help="The support matrix, with what was seen of each cell")
@options.selectors
@options.catalog
@click.option("--format", "shape", default="table", show_default=True, help="table, markdown, html or json.")
@click.option("--json", "shape", flag_value="json", help="Short for --format json.")
@click.option("--expand", is_flag=True, help="Print the catalog instead, each entry and cell by itself, as YAML.")
@options.at
@click.option("--require", type=click.Choice(_REQUIRED), help="Leave with 1 when a supported cell falls short of this.")
@click.option("--max-age", type=int, metavar="DAYS", help="Proofs that are older are stale.")
def COMMAND(  # noqa: N802
    selectors: tuple[str, ...], catalog: str | None, *, shape: str, expand: bool, at: datetime | None,
    require: str | None, max_age: int | None,
) -> None:  # fmt: skip
    """Show which system runs with which kernel on which machine: what is promised, and what was seen."""
    form = formats.find(shape)
    opened = session.open_catalog(catalog)
    if expand:
        _expand(opened, selectors, at)
        return
    opened = dates.as_of(opened, options.day(at))
    chosen = session.chosen(opened, selectors)
    here = Session.begin()
    limit = timedelta(days=max_age) if max_age is not None else None
    evidence = EvidenceStore(here.paths.state).all()
    seen = survey(here.workshop(), opened, chosen, evidence, datetime.now(UTC), limit)
    tiles = [
        Tile(
            cell=each.cell, status=each.status,
            images=each.images.references if each.images else each.cell.images,
            digests=each.images.digests if each.images else {},
        )
        for each in seen
    ]  # fmt: skip
    found = build(opened, tiles)
    output.result(form.render(found, _look()))
    if require is not None:
        _gate(found, Standing(require))


def _expand(opened: Catalog, selectors: tuple[str, ...], at: datetime | None) -> None:
    """All that the catalog says, of every day unless one is asked for."""
    from bootworthy.catalog import flat  # noqa: PLC0415  (slow to import, and few need it)

    asked = dates.as_of(opened, options.day(at)) if at is not None else opened
    output.result(flat.text(asked, session.chosen(asked, selectors)))


def _look() -> formats.Look:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
    return formats.Look(
        width=width, colour=output.coloured(sys.stdout), unicode=formats.speaks_unicode(sys.stdout.encoding)
    )


def _gate(found: Matrix, required: Standing) -> None:
    short = falls_short(found, required)
    if short:
        names = "\n".join(f"  {tile.cell.name} is {tile.status.standing}" for tile in short)
        raise RefusedError(
            "matrix.falls-short", f"{len(short)} supported cells are not {required}:\n{names}",
            hint="prove them (bootworthy prove SELECTOR), or promise less (support: in the catalog)",
        )  # fmt: skip
