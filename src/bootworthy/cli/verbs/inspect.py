"""`bootworthy inspect`: one image, whoever made it, and what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from bootworthy.bundles.compose import MACHINE
from bootworthy.checks.reading import shown
from bootworthy.cli import looking, options, output
from bootworthy.cli.looking import Looked
from bootworthy.cli.session import Session
from bootworthy.cli.text import size
from bootworthy.oci.digest import short
from bootworthy.oci.documents import PLATFORM, ROLE, Descriptor
from bootworthy.oci.image import Image
from bootworthy.vocabulary import Architecture


@click.command("inspect", short_help="One image, whoever made it, and what is in it")
@click.argument("image")
@click.option("--arch", metavar="A", help="Which image of an index; this machine's architecture without it.")
@click.option("--brief", is_flag=True, help="Only what its documents say: no layer is read.")
@click.option("--packages", is_flag=True, help="Every package, too.")
@options.as_json
def COMMAND(image: str, arch: str | None, *, brief: bool, packages: bool, as_json: bool) -> None:  # noqa: N802
    """Say what IMAGE is, and what is in it: kernel, packages, users who can log in, services, ports, what it lacks.

    IMAGE is a reference in the store, docker://REF (pulled first), oci:DIR[:TAG], oci-archive:FILE[:TAG] or
    docker-archive:FILE; or a plain file: an ext4 volume, a kernel, an initial RAM disk. Ports are those of socket
    units: what a service opens by itself no file tells.
    """
    if brief and packages:
        raise click.UsageError("--brief reads no packages")
    here = Session.begin()
    with output.progress() as progress:
        found = looking.open_image(here, image, Architecture.parse(arch) if arch else None, progress)
        inside = None if brief else looking.look(here.workshop(progress), found)
    members = looking.members(here.store, image)
    if as_json:
        output.document(_document(found, inside, members))
        return
    lines = [*_lines(found, members)]
    if inside is not None:
        lines += looking.lines(inside)
        if packages:
            lines += [("package", shown(f"{each.key} {each.version}")) for each in inside.contents.packages]
    output.result(looking.columns(lines))


def _lines(found: Image, members: Sequence[Descriptor]) -> Iterator[tuple[str, str]]:
    yield "image", found.name
    yield "digest", found.descriptor.digest
    yield "role", shown(found.role or "-")
    yield "platform", shown(str(found.config.platform))
    yield "created", shown(found.config.created or "-")
    for name, value in sorted(found.config.labels.items()):
        yield f"label {shown(name)}", shown(value)
    for number, layer in enumerate(found.layers, 1):
        yield f"layer {number}", f"{layer.descriptor.digest}  {size(layer.descriptor.size)}"
    for member in members:
        said = [member.annotations.get(PLATFORM) or str(member.platform or ""), member.annotations.get(MACHINE, "")]
        yield "bundle", shown(" ".join([f"{member.role or '-':<8}", short(member.digest), *filter(None, said)]))


def _document(found: Image, inside: Looked | None, members: Sequence[Descriptor]) -> dict[str, object]:
    document: dict[str, object] = {
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
        "bundle": [
            {
                "digest": member.digest, "role": member.annotations.get(ROLE),
                "platform": member.annotations.get(PLATFORM) or (str(member.platform) if member.platform else None),
                "machines": member.annotations.get(MACHINE, "").split(),
            }
            for member in members
        ],
    }  # fmt: skip
    if inside is not None:
        document |= {"compressed": inside.compressed, "contents": inside.contents.as_json()}
    return document
