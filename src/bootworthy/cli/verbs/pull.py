"""`bootworthy pull`: images from registries into the store."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bootworthy.bundles import lock
from bootworthy.catalog.entries import Catalog, Cell
from bootworthy.cli import options, output, session, transfers
from bootworthy.cli.session import Session
from bootworthy.errors import NotFoundError
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.names import DOCKER
from bootworthy.oci.transfer.pull import pull
from bootworthy.proofs import travel
from bootworthy.proofs.evidence import EvidenceStore
from bootworthy.vocabulary import Architecture


@click.command("pull", short_help="Images from registries into the store")
@click.argument("references", nargs=-1, metavar="REF... | --locked [SELECTOR...]")
@click.option("--locked", is_flag=True, help="What the lock file holds cells to, instead of REF...")
@click.option("--arch", metavar="A", help="Of an index, what runs on this architecture instead of this machine's.")
@click.option("--all-platforms", is_flag=True, help="The whole index.")
@transfers.parallel
@click.option("--evidence", is_flag=True, help="And what was recorded of it, on every platform, that is beside it.")
@options.catalog
@options.as_json
def COMMAND(  # noqa: N802  (one argument an option)
    references: tuple[str, ...], *, locked: bool, arch: str | None, all_platforms: bool, parallel: int,
    evidence: bool, catalog: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Fetch what is missing of the images REF..., and name them in the store as they are named there.

    Of an index that is what runs on this machine, and of a bundle all that belongs to that. Nothing has a name before
    all of it is there; what a run that ended early had is used by the next one.

    With --locked, fetch by its digest every image that the lock file holds cells to: what others publish, and what was
    built, from the registry that the catalog names. There is nothing to build of these cells then.
    """
    if arch and all_platforms:
        raise click.UsageError("--arch is one platform, --all-platforms are all: not both")
    if locked and (arch or all_platforms):
        raise click.UsageError("with --locked each image is fetched for its cell's architecture")
    if not references and not locked:
        raise click.UsageError("name what to fetch: REF..., or --locked")
    here = Session.begin()
    opened, cells = _locked(catalog, references) if locked else (None, ())
    wanted = lock.published(opened, cells) if opened is not None else _named(references, arch)
    with output.progress() as progress:
        registries = here.registries(progress, catalog=catalog)
        reports = [
            pull(
                reference, here.store, registries, architecture=architecture, everything=all_platforms,
                progress=progress, parallel=parallel,
            ) for reference, architecture in wanted
        ]  # fmt: skip
        if opened is not None:
            lock.keep(here.workshop(progress), opened, cells)
        kept = EvidenceStore(here.paths.state)
        proofs = [
            travel.pull(
                registries.source(reference).repository, travel.subjects(report.descriptor, here.store.read), kept,
                progress=progress,
            ) for (reference, _), report in zip(wanted, reports, strict=True)
        ] if evidence else []  # fmt: skip
    transfers.show(reports, "fetched", proofs, as_json=as_json)


def _named(references: tuple[str, ...], arch: str | None) -> Sequence[tuple[Reference, Architecture | None]]:
    architecture = Architecture.parse(arch) if arch else None
    return [(Reference.parse(text.removeprefix(DOCKER)), architecture) for text in dict.fromkeys(references)]


def _locked(catalog: str | None, selectors: tuple[str, ...]) -> tuple[Catalog, tuple[Cell, ...]]:
    """The catalog and the cells: those that are chosen, and without a selector those that are locked."""
    opened = session.open_catalog(catalog)
    chosen = tuple(cell for cell in session.chosen(opened, selectors) if cell.support.buildable)
    if not selectors:
        chosen = tuple(cell for cell in chosen if cell.name in opened.pins.cells)
    if not chosen:
        raise NotFoundError(
            "lock.not-locked", "no cell is locked", where=str(session.lock_file(opened)), hint="bootworthy lock"
        )
    return opened, chosen
