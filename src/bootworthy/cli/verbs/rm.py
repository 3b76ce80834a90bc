"""`bootworthy rm`: take names away from images."""

from __future__ import annotations

import click

from bootworthy.builders import superseded
from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.errors import UsageError
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.names import DOCKER
from bootworthy.oci.transfer.remote import RegistryPlace


@click.command("rm", short_help="Take names away from images")
@click.argument("references", nargs=-1, required=True, metavar="REF...")
@click.option("--yes", is_flag=True, help="Do delete in a registry, which nobody can undo.")
@options.as_json
def COMMAND(references: tuple[str, ...], *, yes: bool, as_json: bool) -> None:  # noqa: N802
    """Take the names REF... away. What no other name reaches is removed by `bootworthy gc`.

    The name that a build keeps an image by goes with the last one that people gave it, and those of a bundle's members
    with the bundle. If one REF is not there, none is taken away.

    docker://REF deletes in a registry, with --yes: NAME:TAG takes the tag away, where the registry can do that, and
    NAME@DIGEST deletes the image, with every tag that it has.
    """
    here = Session.begin()
    store = here.store
    far = [Reference.parse(text.removeprefix(DOCKER)) for text in dict.fromkeys(references) if text.startswith(DOCKER)]
    if far and not yes:
        raise UsageError(
            "rm.not-sure", f"this would delete {', '.join(map(str, far))} for everybody, and nobody can undo it",
            hint="say --yes when that is what you want",
        )  # fmt: skip
    wanted = [Reference.parse(text) for text in dict.fromkeys(references) if not text.startswith(DOCKER)]
    for reference in wanted:
        store.resolve(reference)
    with output.progress() as progress:
        places = [here.registries(progress).place(reference) for reference in far]
        for place in places:
            place.resolve(place.reference.digest or place.reference.tag or "latest")
        gone = [_deleted(place) for place in places]
    for reference in wanted:
        if str(reference) in gone:
            continue  # it went with its bundle
        kept_by_builds = superseded.only_name(store, reference)
        for each in (reference, *kept_by_builds):
            store.untag(each)
            gone.append(str(each))
    if as_json:
        output.document({"schema": "bootworthy.removed/1", "names": gone})
        return
    output.result("\n".join(f"removed {name}" for name in gone))
    if wanted:
        output.log("bootworthy gc frees what nothing else needs")


def _deleted(place: RegistryPlace) -> str:
    """Delete in a registry; what is gone."""
    reference = place.reference
    if reference.digest is not None:
        place.repository.delete(reference.digest)
    else:
        place.repository.untag(reference.tag or "latest")
    return f"{DOCKER}{reference}"
