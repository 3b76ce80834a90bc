"""`bootworthy inspect`: one image, whoever made it."""

from __future__ import annotations

import click

from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import size
from bootworthy.oci import sources
from bootworthy.oci.image import Image
from bootworthy.vocabulary import Architecture


@click.command("inspect", short_help="One image, whoever made it")
@click.argument("image")
@click.option("--arch", metavar="A", help="Which image of an index; this machine's architecture without it.")
@options.as_json
def COMMAND(image: str, arch: str | None, *, as_json: bool) -> None:  # noqa: N802
    """Say what IMAGE is: a reference in the store, oci:DIR[:TAG], oci-archive:FILE[:TAG] or docker-archive:FILE."""
    architecture = Architecture.parse(arch) if arch else None
    found = sources.open_source(image, Session.begin().store, architecture=architecture)
    if as_json:
        output.document(_document(found))
        return
    lines = [
        ("image", found.name), ("digest", found.descriptor.digest), ("role", found.role or "-"),
        ("platform", str(found.config.platform)), ("created", found.config.created or "-"),
        *((f"label {name}", value) for name, value in sorted(found.config.labels.items())),
        *(
            (f"layer {number}", f"{layer.descriptor.digest}  {size(layer.descriptor.size)}")
            for number, layer in enumerate(found.layers, 1)
        ),
    ]  # fmt: skip
    width = max(len(name) for name, _ in lines)
    output.result("\n".join(f"{name.ljust(width)}  {value}" for name, value in lines))


def _document(found: Image) -> dict[str, object]:
    return {
        "schema": "bootworthy.image/1", "image": found.name, "digest": found.descriptor.digest, "role": found.role,
        "platform": found.config.platform.as_json(), "created": found.config.created,
        "labels": dict(found.config.labels),
        "layers": [
            {
                "digest": layer.descriptor.digest, "diff-id": layer.diff_id, "size": layer.descriptor.size,
                "media-type": layer.descriptor.media_type,
            }
            for layer in found.layers
        ],
    }  # fmt: skip
