"""`bootworthy save`: images into one file."""

from __future__ import annotations

from pathlib import Path

import click

from bootworthy.cli import options, output, transfers
from bootworthy.cli.session import Session
from bootworthy.oci.transfer import named
from bootworthy.oci.transfer.archive import ArchiveWriter
from bootworthy.oci.transfer.copy import copy


@click.command("save", short_help="Images into one file")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("-o", "--output", "out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@transfers.arch
@options.as_json
def COMMAND(images: tuple[str, ...], *, out: Path, arch: str | None, as_json: bool) -> None:  # noqa: N802
    """Write the images IMAGE... with their names into a tar that is an OCI image layout.

    The same images give the same bytes. `bootworthy load`, skopeo (oci-archive:FILE:NAME), `docker load` and
    `ctr images import` read it.
    """
    here = Session.begin()
    wanted = transfers.platforms(arch)
    reports = []
    with output.progress() as progress:
        registries = here.registries(progress)
        with ArchiveWriter(out) as archive:
            for text in dict.fromkeys(images):
                origin = named.source(text, here.store, registries)
                names = [origin.full] if origin.full else []
                reports.append(copy(origin.place, archive, origin.resolve(), names, progress, platforms=wanted))
    transfers.show(reports, "written", as_json=as_json)
