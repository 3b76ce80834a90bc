"""`bootworthy rm`: take names away from images."""

from __future__ import annotations

import click

from bootworthy.builders import superseded
from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.oci.reference import Reference


@click.command("rm", short_help="Take names away from images")
@click.argument("references", nargs=-1, required=True, metavar="REF...")
@options.as_json
def COMMAND(references: tuple[str, ...], *, as_json: bool) -> None:  # noqa: N802
    """Take the names REF... away. What no other name reaches is removed by `bootworthy gc`.

    The name that a build keeps an image by goes with the last one that people gave it. If one REF is not there, none
    is taken away.
    """
    store = Session.begin().store
    wanted = [Reference.parse(text) for text in dict.fromkeys(references)]
    for reference in wanted:
        store.resolve(reference)
    gone: list[str] = []
    for reference in wanted:
        kept_by_builds = superseded.only_name(store, reference)
        for each in (reference, *kept_by_builds):
            store.untag(each)
            gone.append(str(each))
    if as_json:
        output.document({"schema": "bootworthy.removed/1", "names": gone})
        return
    output.result("\n".join(f"removed {name}" for name in gone))
    output.log("bootworthy gc frees what nothing else needs")
