"""`bootworthy copy`: an image from one place to another."""

from __future__ import annotations

import click

from bootworthy.cli import options, output, transfers
from bootworthy.cli.roads import Road
from bootworthy.cli.session import Session
from bootworthy.oci.transfer import named
from bootworthy.proofs import travel
from bootworthy.proofs.evidence import EvidenceStore


@click.command("copy", short_help="An image from one place to another")
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST")
@transfers.arch
@transfers.parallel
@click.option("--evidence", is_flag=True, help="And what was recorded of it, beside it in a registry or here.")
@options.catalog
@options.as_json
def COMMAND(  # noqa: N802  (one argument an option)
    source: str, destination: str, *, arch: str | None, parallel: int, evidence: bool, catalog: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Copy what DST has not of the image SRC; all platforms, unless --arch names one.

    SRC and DST are docker://REF, oci:DIR[:TAG], oci-archive:FILE[:TAG] or a reference in the store; SRC may also be
    docker-archive:FILE[:TAG]. From registry to registry nothing is written here, and one registry is asked to take
    what another repository of it has.
    """
    here = Session.begin()
    road = Road.between(source, destination) if evidence else None
    with output.progress() as progress:
        registries = here.registries(progress, catalog=catalog)
        origin = named.source(source, here.store, registries)
        report = named.transfer(
            origin, destination, here.store, registries, progress=progress, parallel=parallel,
            platforms=transfers.platforms(arch),
        )  # fmt: skip
        proofs = []
        if road is not None:
            spoken_of = travel.subjects(report.descriptor, origin.place.manifest)
            proofs.append(road.carry(spoken_of, registries, EvidenceStore(here.paths.state), progress))
    transfers.show([report], "copied", proofs, as_json=as_json)
