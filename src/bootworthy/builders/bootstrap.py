"""Roots from a distribution's packages, by mmdebstrap: one reproducible layer, and the base layer on it."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from bootworthy.builders import apt, base, layer
from bootworthy.builders.apt import Archive, Resolved
from bootworthy.builders.normalise import newest_package, normalise
from bootworthy.builders.record import Recipe
from bootworthy.builders.workshop import Build, Made, Workshop
from bootworthy.catalog.entries import Bootstrap, System
from bootworthy.errors import BuildError
from bootworthy.host import files, processes, tools
from bootworthy.layers.node import Tree
from bootworthy.oci.documents import ROLE
from bootworthy.vocabulary import Architecture, Role

REVISION = 1
_TAR = "application/vnd.oci.image.layer.v1.tar"


class Bootstrapper:
    """Builds the systems of a catalog that have a `bootstrap`."""

    def serves(self, system: System) -> bool:
        """Whether a system is built this way."""
        return system.bootstrap is not None

    def build(self, workshop: Workshop, system: System, architecture: Architecture) -> Build:
        """The build of a system's root."""
        recipe = system.bootstrap
        assert recipe is not None
        archive = workshop.archive(recipe.distribution, recipe.release, architecture)
        inputs: dict[str, object] = {
            "distribution": recipe.distribution, "release": recipe.release, "packages": sorted(recipe.packages),
            "base-layer": base.digest() if system.base_layer else None,
        }  # fmt: skip
        return Build(
            recipe=Recipe(
                subject=f"system {system.name}", kind="bootstrap", revision=REVISION, architecture=architecture,
                inputs=inputs, tools={"mmdebstrap": _version()},
            ),
            make=functools.partial(_make, workshop, archive, system, recipe, architecture),
            offered=lambda: apt.resolve(archive, recipe.packages, essential=True).packages,
        )  # fmt: skip


SYSTEM_BUILDER = Bootstrapper()


def _make(workshop: Workshop, archive: Archive, system: System, recipe: Bootstrap, architecture: Architecture) -> Made:
    offered = apt.resolve(archive, recipe.packages, essential=True)
    with files.scratch(workshop.cache / "scratch", prefix="bootstrap-") as folder:
        tar = folder / "root.tar"
        with workshop.progress.task(f"bootstrapping {system.name}: {len(offered.packages)} packages"):
            _bootstrap(archive, recipe, offered, tar)
        with workshop.progress.task(f"writing the layers of {system.name}"):
            with tar.open("rb") as stream:
                tree = layer.take_in(stream, _TAR, folder)
            installed = _installed(tree)
            _agree(offered, installed)
            replaced = normalise(tree)
            layers = [layer.write_tree(workshop.store, tree, replaced)]
            epoch = newest_package(tree)
            history = [f"mmdebstrap {recipe.release}: {' '.join(sorted(recipe.packages))}"]
            added = base.plan(tree) if system.base_layer else ()
            if added:
                layers.append(layer.write_files(workshop.store, added, epoch))
                history.append("bootworthy base layer")
    image = workshop.store.put_image(
        layers=layers, architecture=architecture, epoch=epoch, history=history, annotations={ROLE: Role.ROOT.value},
        labels={"org.opencontainers.image.title": system.title or system.name}, extras={"Cmd": ["/bin/sh"]},
    )  # fmt: skip
    return Made(images={Role.ROOT: image}, packages=offered.packages, made_with=layer.made_with())


def _bootstrap(archive: Archive, recipe: Bootstrap, offered: Resolved, tar: Path) -> None:
    include = [f"--include={','.join(sorted(recipe.packages))}"] if recipe.packages else []
    argv = archive.argv("--variant=apt", "--format=tar", *include, target=tar)
    apt.call(argv, archive, tar.parent, env={"SOURCE_DATE_EPOCH": str(offered.date)})


def _version() -> str:
    text = processes.run([tools.MMDEBSTRAP.require(), "--version"], timeout=30).text
    match = re.search(r"\d[\w.~-]*", text)
    return match[0] if match else text.strip()


def _installed(tree: Tree) -> dict[str, str]:
    """Package to version, from the root's own dpkg database."""
    status = tree.find(b"var/lib/dpkg/status")
    if status is None:
        return {}
    stanzas = tree.read(status).decode(errors="replace").split("\n\n")
    fields = [dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line) for stanza in stanzas]
    return {each["Package"]: each["Version"] for each in fields if "Package" in each}


def _agree(offered: Resolved, installed: dict[str, str]) -> None:
    """What was recorded must be what was installed."""
    recorded = {package.name: package.version for package in offered.packages}
    if installed == recorded:
        return
    odd = sorted(dict(recorded.items() ^ installed.items()))
    raise BuildError(
        "build.mirror-moved", f"the mirror changed while the root was built: {', '.join(odd[:8])}",
        hint="build again; if it does not help, the mirror's copies disagree: set another one",
    )  # fmt: skip
