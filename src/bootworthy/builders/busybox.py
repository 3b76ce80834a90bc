"""A static busybox for guests: the shell of our initial RAM disk and of the probe, from Debian's own package."""

from __future__ import annotations

import functools

from bootworthy.builders import apt, debs, layer
from bootworthy.builders.base import File
from bootworthy.builders.record import Recipe
from bootworthy.builders.workshop import Build, Made, Workshop
from bootworthy.errors import BuildError
from bootworthy.host import files
from bootworthy.vocabulary import Architecture, Role

REVISION = 1
_RELEASE = "bookworm"
_PACKAGE = "busybox-static"
_PATH = "bin/busybox"


def program(workshop: Workshop, architecture: Architecture) -> bytes:
    """The program for an architecture, fetched at most once.

    Raises:
        BuildError, NetworkError, HostError: it cannot be had.
    """
    built = build(workshop, architecture).obtain(workshop)
    tree = layer.tree_of(workshop, workshop.store.image(built.images[Role.DISK], architecture))
    node = tree.find(_PATH.encode())
    if node is None:
        raise BuildError("build.no-busybox", f"the package {_PACKAGE} holds no /{_PATH}")
    return tree.read(node)


def build(workshop: Workshop, architecture: Architecture) -> Build:
    """The build that keeps it as an image of one file."""
    archive = workshop.archive("debian", _RELEASE, architecture)
    inputs: dict[str, object] = {"distribution": "debian", "release": _RELEASE, "package": _PACKAGE}
    return Build(
        recipe=Recipe(
            subject="busybox", kind="busybox", revision=REVISION, architecture=architecture, inputs=inputs, tools={}
        ),
        make=functools.partial(_make, workshop, archive, architecture),
        offered=lambda: apt.resolve(archive, [_PACKAGE], essential=False, pattern=_PACKAGE).packages,
    )


def _make(workshop: Workshop, archive: apt.Archive, architecture: Architecture) -> Made:
    with files.scratch(workshop.cache / "scratch", prefix="busybox-") as folder:
        with workshop.progress.task("fetching busybox"):
            packages = apt.fetch(archive, [_PACKAGE], _PACKAGE, folder)
        root = debs.unpack(folder / "out", folder / "root")
        data = (root / _PATH).read_bytes()
        epoch = int((root / _PATH).stat().st_mtime)
        written = layer.write_files(workshop.store, [File(_PATH, 0o755, data)], epoch)
    image = workshop.store.put_image(
        layers=[written], architecture=architecture, epoch=epoch, history=[f"Debian package {_PACKAGE}"]
    )
    return Made(images={Role.DISK: image}, packages=packages, made_with=layer.made_with())
