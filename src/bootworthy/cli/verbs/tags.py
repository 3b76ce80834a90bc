"""`bootworthy tags`: the tags of a repository in a registry."""

from __future__ import annotations

import click

from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.errors import UsageError
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.names import DOCKER


@click.command("tags", short_help="The tags of a repository in a registry")
@click.argument("repository", metavar="REPO")
@options.as_json
def COMMAND(repository: str, *, as_json: bool) -> None:  # noqa: N802
    """List the tags of REPO, as registry.example/debian-12, in the registry's order."""
    text = repository.removeprefix(DOCKER)
    reference = Reference.parse(text)
    if reference.digest is not None or ":" in text.rpartition("/")[2]:
        raise UsageError(
            "tags.no-repository", f"{repository} is one image", hint=f"bootworthy tags {reference.name}"
        )  # fmt: skip
    with output.progress() as progress:
        found = list(Session.begin().registries(progress).place(reference).tags())
    if as_json:
        output.document({"schema": "bootworthy.tags/1", "repository": reference.name, "tags": found})
        return
    for tag in found:
        output.result(tag)
    if not found:
        output.log(f"{reference.name} has no tags")
