"""`bootworthy unpack`: files of an image into a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import size
from bootworthy.errors import UsageError
from bootworthy.layers.node import Tree
from bootworthy.vocabulary import Architecture
from bootworthy.volumes import plain as plain_files
from bootworthy.volumes.unpack import Unpacked, read, unpack


@click.command("unpack", short_help="Files of an image into a folder")
@click.argument("image")
@click.argument("folder", metavar="DIR")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--force", is_flag=True, help="Replace files that are there, and unpack into a folder that is not empty.")
@click.option("--plain", is_flag=True, help="Leave out owners, devices and setuid, as without root; record them.")
@click.option("--arch", metavar="A", help="Which image of an index; this machine's architecture without it.")
@options.as_json
def COMMAND(  # noqa: N802  (one argument an option)
    image: str, folder: str, paths: tuple[str, ...], *, force: bool, plain: bool, arch: str | None, as_json: bool
) -> None:
    """Put the files of IMAGE into DIR, all layers applied; with PATHs only these and what is below them.

    A PATH may be a glob. DIR `-` writes the one file that PATH names to standard output. No link is ever followed out
    of DIR. Without root, what cannot be kept (owners, devices, setuid, privileged attributes) is written to
    DIR.owners.json.

    IMAGE is a reference in the store, docker://REF (pulled first), oci:DIR[:TAG], oci-archive:FILE[:TAG] or
    docker-archive:FILE; or a plain file: an ext4 volume.
    """
    here = Session.begin()
    if folder == "-" and (len(paths) != 1 or as_json):
        raise UsageError(
            "unpack.one-file", "standard output takes the content of one file", where=image,
            hint=f"name it: bootworthy unpack {image} - PATH",
        )  # fmt: skip
    with output.progress() as progress, here.lease() as lease:
        found = plain_files.open_source(
            image, here.store, architecture=Architecture.parse(arch) if arch else None,
            registries=here.registries(progress), progress=progress,
        )  # fmt: skip
        lease.hold(*(layer.diff_id for layer in found.layers))
        tree = plain_files.tree_of(found, here.paths.cache / "layers", progress)
        if folder == "-":
            _print(tree, paths[0], found.name)
            return
        done = unpack(
            tree, Path(folder), paths, name=found.name, force=force, plain=True if plain else None, progress=progress
        )
    if as_json:
        output.document(_document(done, found.name))
        return
    output.result(f"{done.folder}: {done.names} names, {size(done.size)}")
    if done.owners is not None:
        output.log(f"not kept: {_lost(done)}; recorded in {done.owners}")


def _print(tree: Tree, path: str, name: str) -> None:
    pieces = read(tree, path, name)
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _lost(done: Unpacked) -> str:
    devices = sum(each.missing for each in done.left)
    attributes = sum(bool(each.xattrs) for each in done.left)
    special = sum(bool(each.node.mode & 0o6000) and not each.missing for each in done.left)
    counts = ((devices, "devices"), (special, "setuid or setgid files"), (attributes, "files' attributes"))
    return ", ".join([*(["owners"] if done.plain else []), *(f"{count} {what}" for count, what in counts if count)])


def _document(done: Unpacked, image: str) -> dict[str, object]:
    return {
        "schema": "bootworthy.unpacked/1", "image": image, "folder": str(done.folder), "names": done.names,
        "size": done.size, "owners": str(done.owners) if done.owners else None,
        "left": [each.as_json() for each in done.left],
    }  # fmt: skip
