"""`bootworthy gc`: remove what nothing refers to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import click

from bootworthy.builders import superseded
from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import size, table
from bootworthy.volumes.garbage import GRACE, Collected, collect


@click.command("gc", short_help="Remove what nothing refers to")
@click.option("--dry-run", is_flag=True, help="Remove nothing: say what would be.")
@click.option(
    "--grace", type=click.FloatRange(min=0), default=GRACE, show_default=True, metavar="SECONDS",
    help="Leave blobs without a name alone that are younger: another program may be copying an image.",
)  # fmt: skip
@options.as_json
def COMMAND(*, dry_run: bool, grace: float, as_json: bool) -> None:  # noqa: N802
    """Remove blobs that no name reaches, and what the cache keeps of images that are gone.

    What a running bootworthy or a running VM uses stays. Names that builds keep images by go when a newer build has
    taken their place. Nothing of value is lost: the cache is made again, and images are built or fetched again.
    """
    here = Session.begin()
    workshop = here.workshop()
    replaced = superseded.names(here.store, workshop.records)
    found = collect(here.store, here.paths.cache, replaced=replaced, now=time.time(), grace=grace, dry_run=dry_run)
    if as_json:
        output.document(_document(found, dry_run=dry_run))
        return
    output.result("\n".join(_lines(found, dry_run=dry_run)))


def _sums(found: Collected) -> dict[str, tuple[int, int]]:
    counts = Counter(item.kind.value for item in found.items)
    sizes: Counter[str] = Counter()
    for item in found.items:
        sizes[item.kind.value] += item.size
    return {kind: (count, sizes[kind]) for kind, count in counts.items()}


def _lines(found: Collected, *, dry_run: bool) -> Iterator[str]:
    sums = _sums(found)
    if sums:
        yield table(("", "COUNT", "SIZE"), [(kind, str(count), size(bytes_)) for kind, (count, bytes_) in sums.items()])
    for name in found.names:
        yield f"{'would drop' if dry_run else 'dropped'} {name}: a newer build has taken its place"
    if found.young:
        yield f"{found.young} blobs stay because they are young; --grace 0 takes them too"
    if found.in_use:
        yield "what other processes use stays"
    for name in found.unreadable:
        yield f"no blob was removed: {name} cannot be read whole; build it again, or bootworthy rm {name}"
    total = size(sum(item.size for item in found.items))
    yield f"{total} would be free" if dry_run else f"{total} freed"


def _document(found: Collected, *, dry_run: bool) -> dict[str, object]:
    return {
        "schema": "bootworthy.gc/1", "dry-run": dry_run, "freed": sum(item.size for item in found.items),
        "kinds": {kind: {"count": count, "size": bytes_} for kind, (count, bytes_) in _sums(found).items()},
        "items": [{"kind": item.kind.value, "path": str(item.path), "size": item.size} for item in found.items],
        "names": list(found.names), "young": found.young, "in-use": found.in_use,
        "unreadable": list(found.unreadable),
    }  # fmt: skip
