"""`bootworthy images`: what is in the store."""

from __future__ import annotations

import click

from bootworthy.builders.workshop import REPOSITORY
from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import size, table
from bootworthy.oci.digest import short


@click.command("images", short_help="What is in the store")
@click.option("--all", "-a", "everything", is_flag=True, help="The names that builds keep their images by, too.")
@options.as_json
def COMMAND(*, everything: bool, as_json: bool) -> None:  # noqa: N802
    """List the images of the store."""
    found = [
        image for image in Session.begin().store.images() if everything or not image.name.startswith(f"{REPOSITORY}:")
    ]
    if as_json:
        images = [
            {
                "name": image.name, "digest": image.descriptor.digest, "role": image.role, "size": image.size,
                "platforms": list(image.platforms), "created": image.created,
                "problem": image.problem.as_json() if image.problem else None,
            }
            for image in found
        ]  # fmt: skip
        output.document({"schema": "bootworthy.images/1", "images": images})
        return
    rows = [
        (
            image.name, image.role or "", short(image.descriptor.digest), " ".join(image.platforms), size(image.size),
            str(image.problem) if image.problem else "",
        )
        for image in found
    ]  # fmt: skip
    output.result(table(("IMAGE", "ROLE", "DIGEST", "PLATFORM", "SIZE", ""), rows))
