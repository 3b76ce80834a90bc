"""`bootworthy push`: an image of the store into a registry."""

from __future__ import annotations

from dataclasses import replace

import click

from bootworthy.bundles.members import tag_members
from bootworthy.cli import options, output, transfers
from bootworthy.cli.session import Session
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer import named
from bootworthy.oci.transfer.local import StorePlace
from bootworthy.oci.transfer.names import DOCKER
from bootworthy.proofs import travel
from bootworthy.proofs.evidence import EvidenceStore


@click.command("push", short_help="An image of the store into a registry")
@click.argument("image", metavar="REF")
@click.argument("name", metavar="[AS]", required=False)
@transfers.arch
@transfers.parallel
@click.option("--evidence", is_flag=True, help="And beside it what was recorded here of it, with console logs.")
@options.as_json
def COMMAND(  # noqa: N802  (one argument an option)
    image: str, name: str | None, *, arch: str | None, parallel: int, evidence: bool, as_json: bool
) -> None:
    """Send what a registry has not of the image REF, under its own name or as AS.

    Nobody sees it before all of it is there. An index goes whole; with --arch the one image of it that runs there
    goes alone. A bundle gets the name that never moves too, and its members theirs: NAME:TAG-kernel.
    """
    here = Session.begin()
    reference = Reference.parse(image)
    origin = named.From(StorePlace(here.store), str(reference), str(reference))
    to = DOCKER + (name or str(reference)).removeprefix(DOCKER)
    with output.progress() as progress:
        registries = here.registries(progress)
        report = named.transfer(
            origin, to, here.store, registries, progress=progress, parallel=parallel,
            platforms=transfers.platforms(arch),
        )  # fmt: skip
        if arch is None:
            destination = registries.place(Reference.parse(to.removeprefix(DOCKER)))
            along = tag_members(destination, here.store.read(report.descriptor), report.names[0])
            report = replace(report, names=(*report.names, *along))
        proofs = []
        if evidence:
            there = registries.place(Reference.parse(to.removeprefix(DOCKER))).repository
            spoken_of = travel.subjects(report.descriptor, here.store.read)
            proofs.append(travel.push(there, spoken_of, EvidenceStore(here.paths.state), progress=progress))
    transfers.show([report], "sent", proofs, as_json=as_json)
