"""Options that several verbs have, spelled the same everywhere."""

from __future__ import annotations

import click

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


catalog = click.option(
    "-c", "--catalog", metavar="CATALOG",
    help="A file, or a built-in catalog by name. Without it: bootworthy.yaml here, else the built-in 'bootworthy'.",
)  # fmt: skip
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
selectors = click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")
