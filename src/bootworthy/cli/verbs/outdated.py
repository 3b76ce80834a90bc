"""`bootworthy outdated`: what is past its end of life."""

from __future__ import annotations

from datetime import date, datetime

import click

from bootworthy.bundles.outdated import Life, lives
from bootworthy.cli import options, output, session
from bootworthy.cli.text import counted, table
from bootworthy.errors import RefusedError


@click.command("outdated", short_help="What is past its end of life")
@options.selectors
@options.catalog
@options.at
@options.as_json
def COMMAND(selectors: tuple[str, ...], catalog: str | None, *, at: datetime | None, as_json: bool) -> None:  # noqa: N802
    """Say when the systems and kernels of the chosen cells end; leaves with 1 when one has.

    What is said of a month or a year holds to its last day.
    """
    day = options.day(at)
    found = lives(session.chosen(session.open_catalog(catalog), selectors), day)
    over = [life for life in found if life.over]
    if as_json:
        output.document(
            {"schema": "bootworthy.outdated/1", "at": day.isoformat(), "entries": [life.as_json() for life in found]}
        )
    else:
        output.result(_table(found, day))
    if over:
        raise RefusedError(
            "outdated.found", f"past the end of life: {', '.join(life.name for life in over)}",
            hint="move their cells to a newer system or kernel, or to `support: legacy`",
        )  # fmt: skip


def _table(found: tuple[Life, ...], day: date) -> str:
    rows = [(life.kind, life.name, life.end_of_life or "unknown", _left(life), life.source) for life in found]
    return table(("", "NAME", "END OF LIFE", f"AS OF {day}", "SOURCE"), rows)


def _left(life: Life) -> str:
    if life.days is None:
        return ""
    return f"ended {counted(-life.days, 'day')} ago" if life.over else f"{counted(life.days, 'day')} left"
