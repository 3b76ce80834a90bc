"""`bootworthy images`: what is in the store."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bootworthy.builders.workshop import REPOSITORY
from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import size, table
from bootworthy.errors import IntegrityError, NotFoundError
from bootworthy.oci.digest import short
from bootworthy.oci.listing import StoredImage
from bootworthy.oci.store import Store
from bootworthy.oci.verifying import Verified, verify
from bootworthy.volumes.usage import Usage, usage


@click.command("images", short_help="What is in the store")
@click.option("--all", "-a", "everything", is_flag=True, help="The names that builds keep their images by, too.")
@click.option("--disk", is_flag=True, help="Who uses how much of the disk, in the store and in the cache.")
@click.option("--verify", is_flag=True, help="Read every blob, and compare it with its digest.")
@options.as_json
def COMMAND(*, everything: bool, disk: bool, verify: bool, as_json: bool) -> None:  # noqa: N802
    """List the images of the store."""
    here = Session.begin()
    if disk and verify:
        raise click.UsageError("--disk or --verify: one at a time")
    if verify:
        _verify(here.store, as_json=as_json)
        return
    if disk:
        _disk(usage(here.paths.store, here.paths.cache, _of_a_build), as_json=as_json)
        return
    found = [image for image in here.store.images() if everything or not _of_a_build(image.name)]
    if as_json:
        images = [
            {
                "name": image.name, "digest": image.descriptor.digest, "role": image.role, "size": image.size,
                "platforms": list(image.platforms), "absent": list(image.absent), "created": image.created,
                "problem": image.problem.as_json() if image.problem else None,
            }
            for image in found
        ]  # fmt: skip
        output.document({"schema": "bootworthy.images/1", "images": images})
        return
    rows = [
        (
            image.name, image.role or "", short(image.descriptor.digest), _platforms(image), size(image.size),
            str(image.problem) if image.problem else "",
        )
        for image in found
    ]  # fmt: skip
    output.result(table(("IMAGE", "ROLE", "DIGEST", "PLATFORM", "SIZE", ""), rows))


def _platforms(image: StoredImage) -> str:
    """Those that are here, and in brackets those that its index only names."""
    absent = [f"({' '.join(image.absent)})"] if image.absent else []
    return " ".join([*image.platforms, *absent])


def _verify(store: Store, *, as_json: bool) -> None:
    with output.progress() as progress:
        found = verify(store, progress)
    if as_json:
        output.document(found.as_json())
    else:
        output.result("\n".join(_verdict(found)))
    if found.corrupt:
        raise IntegrityError(
            "store.corrupt", f"{len(found.corrupt)} of {found.blobs} blobs are not what their digests say",
            where=str(store.root), hint="remove them (rm -f), then build or pull their images again",
        )  # fmt: skip
    if found.missing:
        raise NotFoundError(
            "store.no-blob", f"{len(found.missing)} images lack something", where=str(store.root),
            hint="build or pull them again",
        )  # fmt: skip


def _verdict(found: Verified) -> Iterator[str]:
    for each in found.corrupt:
        users = f", of {', '.join(each.names)}" if each.names else ""
        yield f"{each.path}: corrupt{users}"
    for name, digests in found.missing.items():
        yield f"{name}: lacks {', '.join(digests)}"
    yield f"{found.blobs} blobs, {size(found.size)}: {len(found.corrupt)} corrupt"


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
