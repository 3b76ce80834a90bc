"""Whatever images a test run has built: every rule looks at each of them, for every machine, and trips over none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from bootworthy.builders import layer
from bootworthy.builders.workshop import Workshop
from bootworthy.checks import rule, run
from bootworthy.checks.subject import Part, Subject
from bootworthy.errors import NotFoundError
from bootworthy.machines import facts
from bootworthy.oci.image import Image
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture, Role
from tests.command import Command


def check_all(home: Command) -> int:
    """Hold that every rule can look at every image of a home's store; how many images there are."""
    workshop = Workshop(Store(home.store), home.cache)
    known = {each.id for family in rule.known().values() for each in family.rules}
    images = dict(_images(workshop.store))
    for image, architecture in images.values():
        for vmm in facts.known().values():
            if architecture not in vmm.architectures:
                continue
            roles = [Role(name) for name in (image.role or Role.ROOT).split("+")]
            part = Part(image.name, layer.tree_of(workshop, image), image.config.labels)
            parts: dict[str, Any] = dict.fromkeys(roles, part)
            platforms = dict.fromkeys(roles, architecture)
            subject = Subject(facts=vmm, architecture=architecture, platforms=platforms, **parts)
            for finding in run.run(subject):
                assert finding.id in known, image.name
                assert f"{finding.where}{finding.message}".isprintable(), image.name
    return len(images)


def _images(store: Store) -> Iterator[tuple[str, tuple[Image, Architecture]]]:
    """Each image once, by digest; what is not whole, or for a machine that nobody has, is left out."""
    named = {architecture.oci: architecture for architecture in Architecture}
    for each in store.images() if store.root.exists() else ():
        for platform in each.platforms:
            architecture = named.get(platform.rpartition("/")[2])
            if each.problem is None and each.reference is not None and architecture is not None:
                # Another worker of the same run may have removed it meanwhile.
                with contextlib.suppress(NotFoundError):
                    image = store.image(each.reference, architecture)
                    yield image.descriptor.digest, (image, architecture)
