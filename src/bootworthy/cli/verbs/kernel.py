"""`bootworthy kernel`: what a kernel is, and what it is good for."""

from __future__ import annotations

from pathlib import Path

import click

from bootworthy.builders import layer
from bootworthy.checks.part import Part
from bootworthy.cli import kernels, looking, options, output
from bootworthy.cli.session import Session
from bootworthy.errors import RefusedError
from bootworthy.kernels import profile
from bootworthy.kernels.sight import Sight
from bootworthy.vocabulary import Architecture


@click.group("kernel", short_help="What a kernel is, and what it is good for")
def COMMAND() -> None:  # noqa: N802  (the object is what the name is for)
    """Look at kernels, whoever built them."""


@COMMAND.command("report", short_help="Which profiles a kernel meets, and what others lack")
@click.argument("kernel", metavar="IMAGE|FILE")
@click.option("--arch", metavar="A", help="Which image of an index; or of what architecture a .config is.")
@click.option("--profile", "profiles", metavar="NAME", multiple=True, help="Only this one; exit 1 if it is not met.")
@options.as_json
def report(kernel: str, arch: str | None, profiles: tuple[str, ...], *, as_json: bool) -> None:
    """Say what a kernel is, which profiles its configuration meets, and what it lacks of the others, with the reasons.

    IMAGE is named as for `inspect`. FILE is a kernel in any form, or a configuration: .config, config-RELEASE,
    /proc/config.gz. The configuration of a kernel is found inside it (CONFIG_IKCONFIG), in the image's /boot, or beside
    the file as FILE.config, config-RELEASE or .config.
    """
    asked = [profile.load(name) for name in profiles or profile.known()]
    wanted = Architecture.parse(arch) if arch else None
    seen = _seen(kernel, wanted)
    architecture = kernels.architecture_of(seen, wanted)
    config = seen.config
    found = [] if config is None else [profile.judge(each, config, architecture, seen.release) for each in asked]
    if as_json:
        output.document(kernels.document(seen, architecture, found))
    else:
        output.result(looking.columns([*kernels.lines(seen, architecture), *kernels.verdicts(found)]))
        for each in found:
            if not each.met:
                output.result(f"\n{kernels.lacking(each)}")
    if config is None:
        raise kernels.unconfigured(seen)
    unmet = [each.profile.name for each in found if not each.met]
    if profiles and unmet:
        raise RefusedError(
            "kernel.profile-not-met", f"it does not meet {' and '.join(unmet)}", where=seen.where,
            hint="use a kernel that does, or build one with these profiles (docs/kernels.md)",
        )  # fmt: skip


def _seen(text: str, architecture: Architecture | None) -> Sight:
    if kernels.is_file(text):
        return kernels.of_file(Path(text))
    here = Session.begin()
    with output.progress() as progress:
        image = looking.open_image(here, text, architecture, progress)
        tree = layer.tree_of(here.workshop(progress), image)
        name = image.name if "@" in image.name else f"{image.name}@{image.descriptor.digest}"
        return kernels.of_image(Part(name, tree, image.config.labels))
