"""`bootworthy mirror`: the images of cells to another registry."""

from __future__ import annotations

from dataclasses import dataclass, replace

import click

from bootworthy.bundles.mirror import Mirrored, items, mirror
from bootworthy.cli import options, output, session, transfers
from bootworthy.cli.roads import Road
from bootworthy.cli.session import Session
from bootworthy.cli.text import size, table
from bootworthy.errors import BootworthyError, RefusedError
from bootworthy.host.progress import Progress
from bootworthy.oci.digest import short
from bootworthy.oci.transfer.names import DOCKER
from bootworthy.oci.transfer.remote import Registries
from bootworthy.proofs import travel
from bootworthy.proofs.evidence import EvidenceStore

_TITLES = ("IMAGE", "DIGEST", "SENT", "WAS THERE", "")


@click.command("mirror", short_help="The images of cells to another registry")
@options.selectors
@options.catalog
@click.option("--to", required=True, metavar="REGISTRY/PATH", help="Below which the images go.")
@transfers.parallel
@click.option("--evidence", is_flag=True, help="And what was recorded of them, here or where they come from.")
@options.as_json
def COMMAND(  # noqa: N802  (one argument an option)
    selectors: tuple[str, ...], catalog: str | None, *, to: str, parallel: int, evidence: bool, as_json: bool
) -> None:
    """Copy every image of the chosen cells, and the bundles of what is built here, to REGISTRY/PATH.

    Only what is missing there is sent. One image that fails stops no other; the verb leaves with 1 then.
    """
    here = Session.begin()
    opened = session.open_catalog(catalog)
    with output.progress() as progress:
        workshop = here.workshop(progress)
        registries = here.registries(progress, catalog=catalog)
        wanted = items(workshop, opened, session.chosen(opened, selectors), to.removeprefix(DOCKER))
        found = [_Seen(mirror(item, workshop, registries, parallel)) for item in wanted]
        if evidence:
            found = [_with_evidence(each.mirrored, here, registries, progress) for each in found]
    if as_json:
        output.document({"schema": "bootworthy.mirrored/1", "images": [each.as_json() for each in found]})
    elif found:
        output.result(table(_TITLES, [_row(each) for each in found]))
    else:
        output.result("there is nothing to mirror")
    failed = [each.mirrored for each in found if each.mirrored.error is not None]
    if not as_json:
        for each in failed:
            output.log(f"{each.item.source}: {each.error}")
    if failed:
        raise RefusedError(
            "mirror.incomplete", f"{len(failed)} of {len(found)} images were not mirrored",
            hint="do what is said of each above, and run it again: what is there is not sent again",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came of one image and of its evidence."""

    mirrored: Mirrored
    proofs: travel.Report | None = None

    def as_json(self) -> dict[str, object]:
        return self.mirrored.as_json() | ({"evidence": self.proofs.as_json()} if self.proofs else {})


def _with_evidence(done: Mirrored, here: Session, registries: Registries, progress: Progress) -> _Seen:
    """The same with its evidence, from where the image came; an error is its result, as with the image."""
    if done.report is None:
        return _Seen(done)
    item = done.item
    far = item.source if done.report.source.startswith(DOCKER) else None
    try:
        read = registries.source(far).manifest if far else here.store.read
        spoken_of = travel.subjects(done.report.descriptor, read)
        kept = EvidenceStore(here.paths.state)
        return _Seen(done, Road(far, item.targets[0]).carry(spoken_of, registries, kept, progress))
    except BootworthyError as error:
        return _Seen(replace(done, error=error))


def _row(seen: _Seen) -> tuple[str, ...]:
    each = seen.mirrored
    more = f" (+{len(each.names) - 1})" if len(each.names) > 1 else ""
    name = f"{each.item.targets[-1]}{more}"
    if each.report is None:
        return (name, "", "", "", f"failed: {each.error.code}" if each.error else "")
    report = each.report
    last = f"evidence: {seen.proofs.moved} sent, {seen.proofs.there} there" if seen.proofs else ""
    if each.error is not None:
        last = f"evidence failed: {each.error.code}"
    return (name, short(report.descriptor.digest), size(report.moved_bytes), size(report.there_bytes), last)
