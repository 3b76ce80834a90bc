"""Options that several verbs have, spelled the same everywhere."""

from __future__ import annotations

from datetime import UTC, date, datetime

import click

from bootworthy.cli import output
from bootworthy.cli.text import parse_size


class Size(click.ParamType[int]):
    """Bytes, as people write them."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`10G` in bytes."""
        try:
            return parse_size(str(value))
        except ValueError:
            self.fail(f"{value!r} is no size; write 4096, 512M or 10G", param, ctx)


def _look(ctx: click.Context, _param: click.Parameter, value: str) -> None:
    if not ctx.resilient_parsing:
        output.begin(output.Look(value))


progress = click.option(
    "--progress", type=click.Choice([look.value for look in output.Look]), default=output.Look.AUTO.value,
    show_default=True, expose_value=False, callback=_look,
    help="Bars on a terminal and lines elsewhere; lines; JSON lines; or only what people should know.",
)  # fmt: skip
catalog = click.option(
    "-c", "--catalog", metavar="CATALOG",
    help="A file, or a built-in catalog by name. Without it: bootworthy.yaml here, else the built-in 'bootworthy'.",
)  # fmt: skip
at = click.option(
    "--at", type=click.DateTime(formats=["%Y-%m-%d"]), metavar="DATE", help="As of this day, YYYY-MM-DD, not today."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
selectors = click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")


def day(at: datetime | None) -> date:
    """The day that `--at` asks about; today, in UTC, without one."""
    return at.date() if at is not None else datetime.now(UTC).date()
