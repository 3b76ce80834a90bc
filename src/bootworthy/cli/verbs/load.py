"""`bootworthy load`: images of a file into the store."""

from __future__ import annotations

from pathlib import Path

import click

from bootworthy.cli import options, output, transfers
from bootworthy.cli.session import Session
from bootworthy.oci.transfer.load import load


@click.command("load", short_help="Images of a file into the store")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--as", "name", metavar="NAME", help="What to call it: NAME:TAG, or NAME where images have a tag alone.")
@options.as_json
def COMMAND(file: Path, *, name: str | None, as_json: bool) -> None:  # noqa: N802
    """Read the images in FILE, compare all of it with its digests, and name them in the store.

    FILE is what `bootworthy save`, `skopeo copy ... oci-archive:FILE`, `docker save` or `podman save` wrote. No image
    gets its name before all are there.
    """
    here = Session.begin()
    with output.progress() as progress:
        reports = load(file, here.store, name=name, progress=progress)
    transfers.show(reports, "read", as_json=as_json)
