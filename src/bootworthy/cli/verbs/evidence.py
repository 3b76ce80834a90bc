"""`bootworthy evidence`: the records behind a tick, and joining those of several machines."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from bootworthy.cli import gauge, options, output, session
from bootworthy.cli.session import Session
from bootworthy.cli.text import table
from bootworthy.errors import NotFoundError, UsageError
from bootworthy.proofs.evidence import Evidence, EvidenceStore
from bootworthy.proofs.merge import merge
from bootworthy.proofs.standing import in_order


@click.command("evidence", short_help="The records behind a tick")
@click.argument("words", nargs=-1, metavar="[SELECTOR... | merge DIR...]")
@options.catalog
@click.option("--console", is_flag=True, help="Print what the newest attempt's console showed.")
@options.as_json
def COMMAND(words: tuple[str, ...], catalog: str | None, *, console: bool, as_json: bool) -> None:  # noqa: N802
    """List the attempts that were recorded for cells, oldest first; a SELECTOR may also be the digest of one.

    `evidence merge DIR...` takes over what other folders (another machine's state folder) have recorded; all of it is
    verified before anything is written.
    """
    store = EvidenceStore(Session.begin().paths.state)
    if words[:1] == ("merge",):
        _merge(store, [Path(word) for word in words[1:]], as_json=as_json)
        return
    found = _chosen(store, words, catalog)
    if console:
        if not found:
            raise NotFoundError(
                "evidence.none", "nothing was recorded for these cells", hint="bootworthy prove SELECTOR"
            )
        newest = in_order(found, datetime.now(UTC))[-1]
        output.result(_shown(store.console(newest).decode(errors="replace")))
    elif as_json:
        documents = [{"digest": one.digest, "document": dict(one.document)} for one in found]
        output.document({"schema": "bootworthy.evidence-list/1", "evidence": documents})
    else:
        output.result(
            table(("STARTED", "CELL", "VERDICT", "VMM", "ACCELERATOR", "EVIDENCE"), [_row(one) for one in found])
        )


def _chosen(store: EvidenceStore, words: tuple[str, ...], catalog: str | None) -> list[Evidence]:
    every = store.all()
    if len(words) == 1 and words[0].startswith("sha256:"):
        found = [one for one in every if one.digest.startswith(words[0])]
        if not found:
            raise NotFoundError("evidence.unknown", f"no evidence has the digest {words[0]}", where=str(store.folder))
        return found
    if not words and catalog is None:
        return list(every)
    names = {cell.name for cell in session.chosen(session.open_catalog(catalog), words)}
    return [one for one in every if one.cell in names]


def _row(one: Evidence) -> tuple[str, ...]:
    """Anybody may have written the words."""
    return (
        f"{one.started:%Y-%m-%d %H:%M:%S}", gauge.title(one.cell or "(no catalog)"), one.verdict.value,
        gauge.title(f"{one.vmm} {one.version}"), one.accelerator.upper(), one.digest[:19],
    )  # fmt: skip


def _shown(console: str) -> str:
    """What a guest said; on a terminal without what would control it, for anybody's guest may have said it."""
    return "\n".join(map(gauge.plain, console.splitlines())) if sys.stdout.isatty() else console


def _merge(store: EvidenceStore, folders: list[Path], *, as_json: bool) -> None:
    if not folders:
        raise UsageError("evidence.no-folder", "merge what?", hint="bootworthy evidence merge DIR")
    merged = list(zip(folders, merge(store, folders), strict=True))
    if as_json:
        results = [{"folder": str(folder), "added": one.added, "known": one.known} for folder, one in merged]
        output.document({"schema": "bootworthy.evidence-merge/1", "merged": results})
        return
    for folder, one in merged:
        output.result(f"{folder}: {one.added} added, {one.known} known already")
