"""`bootworthy clone`: a VM's own volume from a converted one."""

from __future__ import annotations

from pathlib import Path

import click

from bootworthy.cli import options, output
from bootworthy.cli.session import Session
from bootworthy.cli.text import size as shown
from bootworthy.volumes.clone import EITHER, RAW, Clone, Way, clone
from bootworthy.volumes.identity import owner_of

_READS = {"qemu": EITHER, "cloud-hypervisor": EITHER, "firecracker": RAW}
_SAYS = {
    Way.REFLINK: "shares the blocks of {volume} until they are written",
    Way.OVERLAY: "qcow2 overlay over {volume}, which must stay as and where it is",
    Way.COPY: "a copy of {volume}: this disk has no reflinks",
}


@click.command("clone", short_help="A VM's own volume from a converted one")
@click.argument("volume", type=click.Path(path_type=Path))
@click.option("-o", "--output", "out", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--for", "vmm", type=click.Choice(sorted(_READS)), help="The VMM that reads it; without it, raw.")
@click.option("--size", type=options.Size(), help="Grow it: 10G, 512M. Its filesystem grows when the guest does it.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@options.as_json
def COMMAND(volume: Path, out: Path, vmm: str | None, size: int | None, *, force: bool, as_json: bool) -> None:  # noqa: N802
    """Give a VM a VOLUME of its own in milliseconds: blocks are shared where the disk has reflinks (btrfs, xfs).

    Elsewhere it is a qcow2 overlay if the VMM reads one (--for qemu, --for cloud-hypervisor, or a name that ends in
    .qcow2), and a copy if it does not. VOLUME is never changed.
    """
    here = Session.begin()
    formats = _READS[vmm] if vmm else EITHER if out.suffix == ".qcow2" else RAW
    with output.progress() as progress:
        workshop = here.workshop(progress)
        owner = owner_of(here.paths.cache / "volumes", volume)
        if owner is not None:
            workshop.lease.hold(owner)
        records = here.paths.cache / "clones" if owner is not None else None
        made = clone(volume, out, formats=formats, size=size, force=force, records=records, progress=progress)
    if as_json:
        output.document(_document(made, volume))
        return
    output.result(f"{out}: {shown(made.size)}, {_SAYS[made.way].format(volume=volume)}")


def _document(made: Clone, volume: Path) -> dict[str, object]:
    return {
        "schema": "bootworthy.clone/1", "path": str(made.path), "volume": str(volume), "way": made.way.value,
        "format": made.format.value, "size": made.size, "backing": str(made.backing) if made.backing else None,
    }  # fmt: skip
