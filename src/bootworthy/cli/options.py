"""Options that several verbs have, spelled the same everywhere."""

from __future__ import annotations

import click

catalog = click.option(
    "-c", "--catalog", metavar="CATALOG",
    help="A file, or a built-in catalog by name. Without it: bootworthy.yaml here, else the built-in 'bootworthy'.",
)  # fmt: skip
as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
selectors = click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")
