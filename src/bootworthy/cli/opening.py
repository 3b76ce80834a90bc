"""Opening the images that a document names, for `lint`."""

from __future__ import annotations

import functools

from bootworthy.builders import layer
from bootworthy.checks.part import Part
from bootworthy.cli import looking
from bootworthy.cli.session import Session
from bootworthy.errors import NotFoundError
from bootworthy.host.progress import Progress
from bootworthy.oci.reference import Reference
from bootworthy.oci.transfer.names import DOCKER
from bootworthy.targets.lint.images import Images, Opened
from bootworthy.vocabulary import Architecture


def images(here: Session, architecture: Architecture, progress: Progress, *, pull: bool) -> Images:
    """How images are opened: each once, from the store, or with `pull` from its registry."""
    workshop = here.workshop(progress)
    names = {each.oci: each for each in Architecture}

    @functools.cache
    def opened(text: str) -> Opened:
        name = str(Reference.parse(text))
        try:
            image = looking.open_image(here, name, architecture, progress)
        except NotFoundError:
            if not pull:
                raise
            image = looking.open_image(here, f"{DOCKER}{name}", architecture, progress)
        called = f"{name.partition('@')[0]}@{image.descriptor.digest}"
        part = Part(called, layer.tree_of(workshop, image), image.config.labels)
        return Opened(part, names.get(image.config.platform.architecture))

    return opened
