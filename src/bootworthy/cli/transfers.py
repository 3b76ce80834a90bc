"""What the verbs that move images share: options, and how they say what was moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from bootworthy.cli import output
from bootworthy.cli.text import size
from bootworthy.oci.transfer.copy import PARALLEL, Report
from bootworthy.oci.transfer.plan import Platforms
from bootworthy.proofs import travel
from bootworthy.vocabulary import Architecture

parallel = click.option(
    "--parallel", type=click.IntRange(1, 16), default=PARALLEL, show_default=True, metavar="N",
    help="Blobs on their way at a time.",
)  # fmt: skip
arch = click.option(
    "--arch", metavar="A", help="Of an index only what runs on this architecture, and of a bundle what belongs to it."
)


def platforms(text: str | None) -> Platforms | None:
    """The architectures that `--arch` means; None is all.

    Raises:
        UsageError: `arch.unknown`.
    """
    return {Architecture.parse(text)} if text else None


def show(reports: Sequence[Report], done: str, evidence: Sequence[travel.Report] = (), *, as_json: bool) -> None:
    """Print what was moved; `done` is the verb in the past tense. Evidence is that of each report, or of none."""
    proofs = [*evidence, *[None] * (len(reports) - len(evidence))]
    pairs = list(zip(reports, proofs, strict=True))
    if as_json:
        images = [report.as_json() | ({"evidence": each.as_json()} if each else {}) for report, each in pairs]
        output.document({"schema": "bootworthy.transfer/1", "images": images})
        return
    for report, each in pairs:
        output.result("\n".join([*_lines(report, done), *([_proofs(each, done)] if each else [])]))


def _lines(report: Report, done: str) -> Iterator[str]:
    before = "" if report.destination == "the store" else f"{report.destination}:"
    yield ", ".join(before + name for name in report.names) or report.destination
    yield f"  {report.descriptor.digest}"
    yield f"  {_amount(report.moved, report.moved_bytes)} {done}, {size(report.there_bytes)} were there"
    if report.absent:
        yield f"  left out: {', '.join(report.absent)}"


def _proofs(report: travel.Report, done: str) -> str:
    refused = f", {len(report.refused)} refused" if report.refused else ""
    left_out = f", {report.left_out} left out" if report.left_out else ""
    return f"  evidence: {report.moved} {done}, {report.there} there{refused}{left_out}"


def _amount(blobs: int, count: int) -> str:
    return f"{size(count)} in {blobs} {'blob' if blobs == 1 else 'blobs'}"
