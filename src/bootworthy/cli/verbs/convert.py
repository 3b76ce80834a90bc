"""`bootworthy convert`: an image into one volume file."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import click

from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import parse_size
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.vocabulary import Architecture
from bootworthy.volumes import plain
from bootworthy.volumes.convert import convert
from bootworthy.volumes.identity import Source


class _Size(click.ParamType[object]):
    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        try:
            return parse_size(str(value))
        except ValueError:
            self.fail(f"{value!r} is no size; write 4096, 512M or 10G", param, ctx)


class _Uuid(click.ParamType[UUID]):
    name = "uuid"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        try:
            return UUID(str(value))
        except ValueError:
            self.fail(f"{value!r} is no UUID; write 32 hex digits", param, ctx)


class _Free(_Size):
    name = "size or share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        text = str(value)
        if not text.endswith("%"):
            return super().convert(value, param, ctx)
        try:
            return float(text[:-1]) / 100
        except ValueError:
            self.fail(f"{value!r} is no share; write 20%", param, ctx)


@click.command("convert", short_help="An image into one volume file")
@click.argument("image")
@click.option("-o", "--output", "out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--to", "filesystem", default="ext4", show_default=True, help="ext4, erofs, squashfs, tar, cpio.")
@click.option("--size", type=_Size(), help="Size of the volume: 10G, 512M.")
@click.option("--free", type=_Free(), help="Room left free, instead of --size: 20%, 1G.")
@click.option("--inodes", type=int, help="At least so many inodes.")
@click.option("--label", default="", help="Label of the filesystem, by which machines find it: root, modules.")
@click.option("--profile", help="A variant of the filesystem, as full or lean for ext4, layered for erofs.")
@click.option("--uuid", type=_Uuid(), help="Instead of the one that derives from the image.")
@click.option("--arch", metavar="A", help="Which image of an index; this machine's architecture without it.")
@options.as_json
def COMMAND(  # noqa: N802, PLR0913, PLR0917  (one argument an option)
    image: str, out: Path, filesystem: str, size: int | None, free: float | None, inodes: int | None, label: str,
    profile: str | None, uuid: UUID | None, arch: str | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Write IMAGE as one volume, without root, mount or loop device; the same image gives the same bytes.

    Profiles: ext4 full, lean; erofs flat, layered (metadata in FILE, layers in FILE.1, FILE.2, ...), lz4, lz4hc, zstd,
    lzma, deflate; squashfs zstd, gzip, lz4, xz, none; tar and cpio none, gzip, zstd. The first is the default.

    IMAGE is a reference in the store, docker://REF (pulled first), oci:DIR[:TAG], oci-archive:FILE[:TAG] or
    docker-archive:FILE; or a plain file: an ext4 volume.
    """
    here = Session.begin()
    wish = VolumeOptions(size=size, free=free, inodes=inodes, label=label, profile=profile, uuid=uuid)
    with output.progress() as progress, here.lease() as lease:
        found = plain.open_source(
            image, here.store, architecture=Architecture.parse(arch) if arch else None,
            registries=here.registries(progress), progress=progress,
        )  # fmt: skip
        lease.hold(*(layer.diff_id for layer in found.layers))
        layers = here.paths.cache / "layers"
        tree = plain.on_blocks(found, plain.tree_of(found, layers, progress), layers, lease)
        planned = convert(tree, Source.of(found), filesystem, wish, out, progress)
    if as_json:
        paths = {"device-paths": [str(path) for path in planned.devices]} if planned.devices else {}
        facts = {"path": str(out), "image": found.name, **planned.facts, **paths}
        output.document({"schema": "bootworthy.volume/1", **facts})
        return
    output.result(f"{out}: {planned.description}")
