"""`bootworthy pull`: images from registries into the store."""

from __future__ import annotations

import click

from bootworthy.cli import options, output, transfers
from bootworthy.cli.session import Session
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.named import DOCKER
from bootworthy.oci.transfer.pull import pull
from bootworthy.proofs import travel
from bootworthy.proofs.evidence import EvidenceStore
from bootworthy.vocabulary import Architecture


@click.command("pull", short_help="Images from registries into the store")
@click.argument("references", nargs=-1, required=True, metavar="REF...")
@click.option("--arch", metavar="A", help="Of an index, what runs on this architecture instead of this machine's.")
@click.option("--all-platforms", is_flag=True, help="The whole index.")
@transfers.parallel
@click.option("--evidence", is_flag=True, help="And what was recorded of it, on every platform, that is beside it.")
@options.catalog
@options.as_json
def COMMAND(  # noqa: N802  (one argument an option)
    references: tuple[str, ...], *, arch: str | None, all_platforms: bool, parallel: int, evidence: bool,
    catalog: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Fetch what is missing of the images REF..., and name them in the store as they are named there.

    Of an index that is what runs on this machine, and of a bundle all that belongs to that. Nothing has a name before
    all of it is there; what a run that ended early had is used by the next one.
    """
    if arch and all_platforms:
        raise click.UsageError("--arch is one platform, --all-platforms are all: not both")
    wanted = [Reference.parse(text.removeprefix(DOCKER)) for text in dict.fromkeys(references)]
    architecture = Architecture.parse(arch) if arch else None
    here = Session.begin()
    with output.progress() as progress:
        registries = here.registries(progress, catalog=catalog)
        reports = [
            pull(
                reference, here.store, registries, architecture=architecture, everything=all_platforms,
                progress=progress, parallel=parallel,
            ) for reference in wanted
        ]  # fmt: skip
        kept = EvidenceStore(here.paths.state)
        proofs = [
            travel.pull(
                registries.source(reference).repository, travel.subjects(report.descriptor, here.store.read), kept,
                progress=progress,
            ) for reference, report in zip(wanted, reports, strict=True)
        ] if evidence else []  # fmt: skip
    transfers.show(reports, "fetched", proofs, as_json=as_json)
