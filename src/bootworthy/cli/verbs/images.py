"""`bootworthy images`: what is in the store."""

from __future__ import annotations

import click

from bootworthy.builders.workshop import REPOSITORY
from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import size, table
from bootworthy.oci.digest import short
from bootworthy.volumes.usage import Usage, usage


@click.command("images", short_help="What is in the store")
@click.option("--all", "-a", "everything", is_flag=True, help="The names that builds keep their images by, too.")
@click.option("--disk", is_flag=True, help="Who uses how much of the disk, in the store and in the cache.")
@options.as_json
def COMMAND(*, everything: bool, disk: bool, as_json: bool) -> None:  # noqa: N802
    """List the images of the store."""
    here = Session.begin()
    if disk:
        _disk(usage(here.paths.store, here.paths.cache), as_json=as_json)
        return
    found = [image for image in here.store.images() if everything or not _of_a_build(image.name)]
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


def _of_a_build(name: str) -> bool:
    return name.startswith(f"{REPOSITORY}:")


def _disk(found: Usage, *, as_json: bool) -> None:
    if as_json:
        images = [
            {"digest": image.digest, "names": list(image.names), **image.used.as_json()} for image in found.images
        ]
        output.document({"schema": "bootworthy.disk/1", "images": images, "total": found.total.as_json()})
        return
    rows = []
    for image in found.images:
        given = [name for name in image.names if not _of_a_build(name)] or list(image.names)
        more = f" (+{len(given) - 1})" if len(given) > 1 else ""
        used = image.used
        figures = (used.own, used.shared, used.bodies, used.volumes)
        rows.append(((given or [short(image.digest)])[0] + more, *map(size, figures)))
    total = found.total
    rows.append(("all, each once", size(total.own), "", size(total.bodies), size(total.volumes)))
    output.result(table(("IMAGE", "BLOBS OF ITS OWN", "SHARED BLOBS", "BODIES", "VOLUMES"), rows))
    if total.shared:
        output.result(f"{size(total.shared)} of blobs are of no image that has a name: bootworthy gc")
