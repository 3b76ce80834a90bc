"""`bootworthy emit`: the same images, in the words of another program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bootworthy.builders.workshop import Workshop
from bootworthy.cli import output, session
from bootworthy.cli.images import Wanted, wanted
from bootworthy.cli.session import Session
from bootworthy.errors import DocumentError, Problem, UsageError
from bootworthy.host import files
from bootworthy.host.progress import Progress
from bootworthy.oci.blobs import reading

if TYPE_CHECKING:
    from bootworthy.proofs.target import Target as Bootable
    from bootworthy.targets.consumer import Versions
    from bootworthy.targets.guest import Guest
    from bootworthy.targets.target import Document, FileTarget, Target


@click.command("emit", short_help="The same images, in the words of another program")
@click.argument("shape", metavar="FORMAT")
@wanted
@click.option("--for", "asked", metavar="CONSUMER=VERSION", multiple=True, help="Who reads it: flintlock=0.9.0.")
@click.option("--name", metavar="NAME", help="The name of the machine; without it, that of its system.")
@click.option("--files", "folder", type=click.Path(path_type=Path), help="Where the files go that the document names.")
@click.option("--tap", metavar="DEVICE", help="The TAP device of this host that the guest's NIC is joined to.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("-o", "--output", "out", type=click.Path(path_type=Path), help="The file to write, not standard output.")
@click.option(
    "--into", type=click.Path(path_type=Path, dir_okay=False), help="Set the images in this file, and leave the rest."
)
def COMMAND(  # noqa: N802, PLR0913  (an option each)
    shape: str, wanted: Wanted, *, asked: tuple[str, ...], name: str | None, folder: Path | None, tap: str | None,
    force: bool, out: Path | None, into: Path | None,
) -> None:  # fmt: skip
    """Write a document that runs one cell, or images named one by one, by another program.

    FORMAT is flintlock, flintlock-http, hammertime, capmvm, capmvm-template, capmvm-env, ignite; or, with --files for
    what it names: firecracker, cloud-hypervisor, cloud-hypervisor-api, qemu.

    Names of images are pinned by digest; mount points, file names and devices follow from what is in the images.
    """
    from bootworthy.targets import consumer, guest, target  # noqa: PLC0415  (slow to import, and few emit)

    form = target.find(shape)
    versions = consumer.versions(form.consumers, _pairs(asked))
    files_named = isinstance(form, target.FileTarget)
    if not files_named and (folder is not None or tap is not None):
        raise click.UsageError(f"--files and --tap are for formats that name files; {shape} names images")
    if files_named and (folder is None or into is not None):
        raise click.UsageError(f"{shape} names files: add --files DIR, and no --into")
    here = Session.begin()
    with output.progress() as progress:
        chosen = _one(wanted, form, here.workshop(progress))
        if isinstance(form, target.FileTarget):
            assert folder is not None
            document = _of_files(form, chosen, versions, folder, tap, progress, force=force)
        else:
            assert isinstance(form, target.ImageTarget)
            machine = guest.of(chosen, name)
            document = form.render(machine, versions)
            if into is not None:
                document, out = _set(machine, into), out or into
    for note in (*document.notes, *(() if files_named else _unreachable(chosen))):
        output.log(note)
    if out is not None:
        files.write(out, document.text.encode(), mode=out.stat().st_mode & 0o777 if out.exists() else 0o644)
    else:
        output.result(document.text)


def _pairs(asked: Sequence[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in asked]
    for name, equals, version in pairs:
        if not (name and equals and version):
            raise click.UsageError(f"--for {name}: write CONSUMER=VERSION, as flintlock=0.9.0")
    return {name: version for name, _, version in pairs}


def _one(wanted: Wanted, form: Target, workshop: Workshop) -> Bootable:
    """The one machine that is written out.

    Raises:
        UsageError: `emit.several`; `emit.other-vmm`, when a format is for another VMM.
    """
    from bootworthy.targets.target import FileTarget  # noqa: PLC0415  (as above)

    vmm = form.vmm if isinstance(form, FileTarget) else None
    if not wanted.by_name:
        cells = [cell for cell in session.chosen(wanted.open_catalog(), wanted.selectors) if cell.support.buildable]
        fitting = [cell for cell in cells if vmm in {None, cell.machine.vmm}]
        if len(fitting) != 1:
            raise UsageError(
                "emit.several" if fitting else "emit.other-vmm",
                f"{len(fitting)} cells of these would do, and a document is for one",
                hint=f"name one of {', '.join(cell.name for cell in fitting or cells)}",
            )  # fmt: skip
        wanted = replace(wanted, selectors=(fitting[0].name,))
    (chosen,) = wanted.targets(workshop)
    if vmm not in {None, chosen.facts.vmm}:
        raise UsageError("emit.other-vmm", f"this format is for {vmm}, and the machine is {chosen.facts.vmm}")
    return chosen


def _of_files(
    form: FileTarget, chosen: Bootable, versions: Versions, folder: Path, tap: str | None, progress: Progress, *,
    force: bool,
) -> Document:  # fmt: skip
    from bootworthy.targets import files as made  # noqa: PLC0415  (as above)

    return form.render(made.put(chosen, folder, force=force, progress=progress), versions, tap)


def _set(machine: Guest, path: Path) -> Document:
    """A person's own file, with these images in it.

    Raises:
        DocumentError: `emit.file`.
        NotFoundError: `file.missing`.
    """
    from bootworthy.targets.into import into  # noqa: PLC0415  (as above)
    from bootworthy.targets.target import Document  # noqa: PLC0415

    with reading(path):
        data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        problem = Problem("emit.syntax", "this is no UTF-8", str(path))
        raise DocumentError("emit.file", "this file cannot be read", [problem], where=str(path)) from error
    changed = into(text, machine, str(path))
    return Document(changed.text, changed.notes)


def _unreachable(chosen: Bootable) -> list[str]:
    """Names that nobody else can pull."""
    names = {image.name for image in chosen.images.values() if image.name.startswith("localhost/")}
    return [f"{name} is a name of this machine alone: bootworthy push sends it to a registry" for name in sorted(names)]
