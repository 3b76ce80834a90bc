"""`bootworthy diff`: how two images differ."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bootworthy.bundles.difference import Changes, Difference, Files, difference
from bootworthy.checks.reading import shown
from bootworthy.cli import looking, options, output
from bootworthy.cli.looking import Looked
from bootworthy.cli.session import Session
from bootworthy.cli.text import size
from bootworthy.vocabulary import Architecture


@click.command("diff", short_help="How two images differ")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--arch", metavar="ARCH", help="Which image of an index; this machine's architecture without it.")
@click.option("--files", "paths", is_flag=True, help="Every path that differs, too.")
@options.as_json
def COMMAND(before: str, after: str, *, arch: str | None, paths: bool, as_json: bool) -> None:  # noqa: N802
    """Say what image B has that A has not, the other way round, and what changed: packages, users, services, files.

    A and B are references in the store, oci:DIR[:TAG], oci-archive:FILE[:TAG], docker-archive:FILE or docker://REF.
    Times of files do not count.
    """
    here = Session.begin()
    architecture = Architecture.parse(arch) if arch else None
    with output.progress() as progress:
        workshop = here.workshop(progress)
        old, new = (
            looking.look(workshop, looking.open_image(here, text, architecture, progress)) for text in (before, after)
        )
        found = difference((old.tree, old.contents), (new.tree, new.contents))
    if as_json:
        output.document(_document(old, new, found, paths=paths))
        return
    output.result("\n".join(_lines(old, new, found, paths=paths)))


def _document(old: Looked, new: Looked, found: Difference, *, paths: bool) -> dict[str, object]:
    document: dict[str, object] = {"schema": "bootworthy.diff/1", "before": _side(old), "after": _side(new)}
    document |= found.as_json()
    if paths:
        document["paths"] = [{"change": sign, "path": path} for sign, path in found.files.paths]
    return document


def _side(side: Looked) -> dict[str, object]:
    return {
        "image": side.image.name, "digest": side.image.descriptor.digest, "compressed": side.compressed,
        "size": side.contents.size,
    }  # fmt: skip


def _lines(old: Looked, new: Looked, found: Difference, *, paths: bool) -> Iterator[str]:
    yield f"- {old.image.name}  {_size(old)}"
    yield f"+ {new.image.name}  {_size(new)}"
    if not found:
        yield "nothing differs but times"
        return
    for kind, changes in found.kinds().items():
        yield from _changes(kind, changes)
    yield from _files(found.files)
    if paths:
        yield from (f"  {sign} {shown(path)}" for sign, path in found.files.paths)


def _size(side: Looked) -> str:
    return f"{size(side.compressed)} compressed, {size(side.contents.size)} unpacked"


def _changes(kind: str, changes: Changes) -> Iterator[str]:
    if not changes:
        return
    yield f"{kind}: {len(changes.added)} added, {len(changes.removed)} removed, {len(changes.changed)} changed"
    yield from (f"  - {shown(each)}" for each in changes.removed)
    yield from (f"  + {shown(each)}" for each in changes.added)
    yield from (f"  ~ {shown(each.name)}: {shown(each.before)} -> {shown(each.after)}" for each in changes.changed)


def _files(files: Files) -> Iterator[str]:
    parts = (
        ("added", files.added, files.added_bytes), ("removed", files.removed, files.removed_bytes),
        ("changed", files.changed, files.changed_bytes),
    )  # fmt: skip
    yield "files: " + ", ".join(f"{count} {what} ({size(amount)})" for what, count, amount in parts)
