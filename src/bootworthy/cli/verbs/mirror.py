"""`bootworthy mirror`: the images of cells to another registry."""

from __future__ import annotations

import click

from bootworthy.bundles.mirror import Mirrored, items, mirror
from bootworthy.cli import options, output, session, transfers
from bootworthy.cli.session import Session
from bootworthy.cli.text import size, table
from bootworthy.errors import RefusedError
from bootworthy.oci.digest import short
from bootworthy.oci.transfer.named import DOCKER


@click.command("mirror", short_help="The images of cells to another registry")
@options.selectors
@options.catalog
@click.option("--to", required=True, metavar="REGISTRY/PATH", help="Below which the images go.")
@transfers.parallel
@options.as_json
def COMMAND(selectors: tuple[str, ...], catalog: str | None, *, to: str, parallel: int, as_json: bool) -> None:  # noqa: N802
    """Copy every image of the chosen cells, and the bundles of what is built here, to REGISTRY/PATH.

    Only what is missing there is sent. One image that fails stops no other; the verb leaves with 1 then.
    """
    here = Session.begin()
    opened = session.open_catalog(catalog)
    with output.progress() as progress:
        workshop = here.workshop(progress)
        registries = here.registries(progress, catalog=catalog)
        wanted = items(workshop, opened, session.chosen(opened, selectors), to.removeprefix(DOCKER))
        found = [mirror(item, workshop, registries, parallel) for item in wanted]
    if as_json:
        output.document({"schema": "bootworthy.mirrored/1", "images": [each.as_json() for each in found]})
    elif found:
        output.result(table(("IMAGE", "DIGEST", "SENT", "WAS THERE", ""), [_row(each) for each in found]))
    else:
        output.result("there is nothing to mirror")
    failed = [each for each in found if each.error is not None]
    if not as_json:
        for each in failed:
            output.log(f"{each.item.source}: {each.error}")
    if failed:
        raise RefusedError(
            "mirror.incomplete", f"{len(failed)} of {len(found)} images were not mirrored",
            hint="do what is said of each above, and run it again: what is there is not sent again",
        )  # fmt: skip


def _row(each: Mirrored) -> tuple[str, ...]:
    more = f" (+{len(each.names) - 1})" if len(each.names) > 1 else ""
    name = f"{each.item.targets[-1]}{more}"
    if each.report is None:
        return (name, "", "", "", f"failed: {each.error.code}" if each.error else "")
    report = each.report
    return (name, short(report.descriptor.digest), size(report.moved_bytes), size(report.there_bytes), "")
