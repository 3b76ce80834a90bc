"""`bootworthy schema`: what a catalog file may say, for editors and validators."""

from __future__ import annotations

import click

from bootworthy import catalog
from bootworthy.cli import output


@click.command("schema", short_help="The JSON Schema of catalog files")
def COMMAND() -> None:  # noqa: N802
    """Print the JSON Schema of catalog files, for editors and validators."""
    output.document(catalog.json_schema())
