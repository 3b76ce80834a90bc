"""`bootworthy catalog`: whether a catalog still says what is so."""

from __future__ import annotations

import click

from bootworthy.bundles import seen
from bootworthy.bundles.verification import State, Verified, now_seen, verify
from bootworthy.cli import options, output, session
from bootworthy.cli.session import Session
from bootworthy.cli.text import counted, table
from bootworthy.errors import RefusedError
from bootworthy.oci.digest import short
from bootworthy.oci.reference import Reference

_TITLES = ("REFERENCE", "", "NOW", "BEFORE")


@click.group("catalog", short_help="Whether a catalog still says what is so")
def COMMAND() -> None:  # noqa: N802  (the object is what the name is for)
    """Compare catalogs with the world."""


@COMMAND.command("verify", short_help="Which of its references registries still have, and with which digests")
@options.selectors
@options.catalog
@click.option("--accept", is_flag=True, help="Take what is there now as seen, drift too.")
@options.as_json
def verify_(selectors: tuple[str, ...], catalog: str | None, *, accept: bool, as_json: bool) -> None:
    """Ask registries after every reference of the chosen cells, and compare with what was last seen.

    What a lock file holds counts as seen. Of references whose tag is a pattern, the tags that fit it are compared.
    Nothing is fetched. Leaves with 1 when a reference moved, is gone or was never there.
    """
    here = Session.begin()
    opened = session.open_catalog(catalog)
    path = seen.path_for(here.paths.state, opened.name)
    before = seen.load(path)
    with output.progress() as progress:
        registries = here.registries(progress, catalog=catalog)

        def resolve(reference: Reference) -> str:
            return registries.source(reference).resolve(reference.digest or reference.tag or "latest").digest

        found = verify(
            opened, session.chosen(opened, selectors), before, resolve,
            lambda reference: registries.source(reference).tags(),
        )  # fmt: skip
    seen.save(path, opened.name, now_seen(before, found, accept=accept))
    if as_json:
        references = [each.as_json() for each in found]
        output.document({"schema": "bootworthy.catalog-verify/1", "catalog": opened.name, "references": references})
    else:
        output.result(table(_TITLES, [_row(each) for each in found]))
    _leave(found, accept=accept)


def _row(each: Verified) -> tuple[str, str, str, str]:
    if each.error is not None:
        return each.reference, each.state.value, str(each.error), short(each.before) if each.before else ""
    if each.tags or each.lost:
        lost = f"without {', '.join(each.lost)}" if each.lost else ""
        return each.reference, each.state.value, counted(len(each.tags), "tag"), lost
    now, before = (short(digest) if digest else "" for digest in (each.digest, each.before))
    return each.reference, each.state.value, now, before


def _leave(found: tuple[Verified, ...], *, accept: bool) -> None:
    """Nothing, when all is as it was.

    Raises:
        RefusedError: `catalog.drift`.
        BootworthyError: the first one, when nothing is known to have drifted and something could not be asked.
    """
    drifted = [each for each in found if each.state.drifted]
    if drifted and not accept:
        raise RefusedError(
            "catalog.drift", f"{len(drifted)} of {counted(len(found), 'reference')} drifted",
            hint="correct the catalog, or take what is there as seen: --accept",
        )  # fmt: skip
    unknown = next((each.error for each in found if each.state is State.UNKNOWN and each.error is not None), None)
    if unknown is not None:
        raise unknown
