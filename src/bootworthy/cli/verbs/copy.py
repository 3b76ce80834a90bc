"""`bootworthy copy`: an image from one place to another."""

from __future__ import annotations

import click

from bootworthy.cli import options, output, transfers
from bootworthy.cli.session import Session
from bootworthy.oci.transfer import named


@click.command("copy", short_help="An image from one place to another")
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST")
@transfers.arch
@transfers.parallel
@options.catalog
@options.as_json
def COMMAND(  # noqa: N802  (one argument an option)
    source: str, destination: str, *, arch: str | None, parallel: int, catalog: str | None, as_json: bool
) -> None:
    """Copy what DST has not of the image SRC; all platforms, unless --arch names one.

    SRC and DST are docker://REF, oci:DIR[:TAG], oci-archive:FILE[:TAG] or a reference in the store; SRC may also be
    docker-archive:FILE[:TAG]. From registry to registry nothing is written here, and one registry is asked to take
    what another repository of it has.
    """
    here = Session.begin()
    with output.progress() as progress:
        registries = here.registries(progress, catalog=catalog)
        report = named.transfer(
            named.source(source, here.store, registries), destination, here.store, registries, progress=progress,
            parallel=parallel, platforms=transfers.platforms(arch),
        )  # fmt: skip
    transfers.show([report], "copied", as_json=as_json)
