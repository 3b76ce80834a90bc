"""`bootworthy lint`: what is wrong in manifests that others wrote, and the safe fixes."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from bootworthy.cli import opening, options, output, text
from bootworthy.cli.session import Session
from bootworthy.cli.version import TOOL
from bootworthy.errors import DocumentError, RefusedError
from bootworthy.host import files
from bootworthy.targets.lint import consumers, gather, inventory, report, rule, sarif
from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.detection import machines
from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.fixes import fixed
from bootworthy.targets.lint.images import Images
from bootworthy.targets.lint.report import Linted, Report
from bootworthy.targets.lint.rule import Fault
from bootworthy.targets.lint.run import run
from bootworthy.vocabulary import Architecture

_FORMATS = ("text", "json", "sarif")


@click.command("lint", short_help="What is wrong in manifests of microVMs")
@click.argument("names", nargs=-1, metavar="FILE...")
@click.option("--for", "wanted", multiple=True, metavar="PROGRAM=VERSION", help="As flintlock=0.9.0; may be repeated.")
@click.option("--arch", metavar="A", default="x86_64", show_default=True, help="The architecture of the hosts.")
@options.at
@click.option("--images", "inside", is_flag=True, help="Look into the images, too: those that are in the store.")
@click.option("--pull", is_flag=True, help="As --images, and fetch those that are not from their registries.")
@click.option("--fix", "mend", is_flag=True, help="Write the safe fixes into the files; nothing else in them changes.")
@click.option("--format", "shape", type=click.Choice(_FORMATS), default="text", show_default=True)
@click.option("--json", "shape", flag_value="json", help="Short for --format json.")
@click.option("--strict", is_flag=True, help="Leave with 1 for warnings, too.")
@click.option("--table", is_flag=True, help="Which images each microVM has, and what is past its end of life.")
@click.option("--rules", "only_rules", is_flag=True, help="List the rules; look at nothing.")
def COMMAND(  # noqa: N802, PLR0913  (one argument an option)
    names: tuple[str, ...], wanted: tuple[str, ...], arch: str, at: datetime | None, *, inside: bool,
    pull: bool, mend: bool, shape: str, strict: bool, table: bool, only_rules: bool,
) -> None:  # fmt: skip
    """Look at manifests for Flintlock, hammertime, Cluster API, Ignite and Firecracker; leaves with 1 for errors.

    FILE is JSON, what people write for it, or YAML; a folder stands for all of them in it, and - for standard input.
    """
    if only_rules:
        _list(shape)
        return
    if not names:
        raise click.UsageError("name a file or a folder")
    asked = Asked(at=options.day(at), versions=consumers.parse(wanted), architecture=Architecture.parse(arch))
    sources, unread = gather.every(names)
    if table:
        _table(sources, asked, shape)
        _tell(unread)
        return
    with output.progress() as progress:
        images = opening.images(Session.begin(), asked.architecture, progress, pull=pull) if inside or pull else None
        looked = tuple(_linted(source, asked, images, mend=mend) for source in sources)
    problems = tuple(problem for error in unread for problem in error.problems)
    found = Report(files=looked, unread=problems, asked=asked, tool=TOOL, strict=strict)
    output.result(_rendered(found, shape))
    _tell(unread)
    if found.refused:
        raise RefusedError("lint.failed", "there is something to mend", hint="do what stands below each message")


def _tell(unread: list[DocumentError]) -> None:
    """Nothing, when every file was read.

    Raises:
        DocumentError: `lint.unreadable`, with all that is wrong in them.
    """
    if len(unread) == 1:
        raise unread[0]
    if unread:
        problems = [problem for error in unread for problem in error.problems]
        raise DocumentError("lint.unreadable", f"{len(unread)} files cannot be read", problems)


def _table(sources: list[Source], asked: Asked, shape: str) -> None:
    """Which images there are, and how long somebody mends them.

    Raises:
        click.UsageError: in a format that is for what was found.
    """
    every = list(inventory.rows(sources))
    if shape == "json":
        rows = [row.as_json(asked.at) for row in every]
        output.document({"schema": inventory.SCHEMA, "at": asked.at.isoformat(), "rows": rows})
    elif shape == "text":
        output.result(text.table(inventory.HEAD, [row.cells(asked.at) for row in every]))
    else:
        raise click.UsageError(f"--table has no {shape}; it is text or json")


def _linted(source: Source, asked: Asked, images: Images | None, *, mend: bool) -> Linted:
    done: tuple[Fault, ...] = ()
    if mend:
        if source.name == "<stdin>":
            raise click.UsageError("--fix writes files; - is none")
        changed, done = fixed(source, asked)
        if done:
            path = Path(source.name)
            files.write(path, changed.text.encode(), mode=path.stat().st_mode & 0o7777)
        source = changed
    return Linted(source=source, machines=machines(source), faults=run(source, asked, images), fixed=done)


def _rendered(found: Report, shape: str) -> str:
    if shape == "sarif":
        return sarif.render(found)
    return report.as_json(found) if shape == "json" else report.text(found, colour=output.coloured(sys.stdout))


def _list(shape: str) -> None:
    """Every rule, those of other packages, too."""
    every = [(each, family.title) for family in rule.known().values() for each in family.rules]
    every.sort(key=lambda item: item[0].id)
    if shape == "json":
        rules = [
            {
                "id": each.id, "family": title, "severity": each.severity.value, "title": each.title, "why": each.why,
                "remedy": each.remedy, "source": each.source, "versions": each.range, "images": each.images,
                "fixed": each.fixed,
            }
            for each, title in every
        ]  # fmt: skip
        output.document({"schema": "bootworthy.lint-rules/1", "rules": rules})
        return
    for each, _ in every:
        output.result(f"{each.id}: {each.severity}: {each.title} ({each.range}){' [--fix]' if each.fixed else ''}")
