"""What `inspect` and `diff` share: an image, and what is in it, said so that a terminal bears it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bootworthy.builders import layer
from bootworthy.builders.workshop import Workshop
from bootworthy.bundles.compose import is_bundle
from bootworthy.bundles.contents import Contents, contents
from bootworthy.checks.reading import shown
from bootworthy.cli.session import Session
from bootworthy.cli.text import size
from bootworthy.errors import NotFoundError, UsageError
from bootworthy.host.progress import Progress
from bootworthy.layers.node import Tree
from bootworthy.oci.documents import Descriptor, Index
from bootworthy.oci.image import Image, read_document
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.names import DOCKER
from bootworthy.vocabulary import Architecture
from bootworthy.volumes import plain


@dataclass(frozen=True, slots=True)
class Looked:
    """An image that was looked into."""

    image: Image
    tree: Tree
    contents: Contents

    @property
    def compressed(self) -> int:
        """Bytes of its layers as they are stored."""
        return sum(layer_.descriptor.size for layer_ in self.image.layers)


def look(workshop: Workshop, image: Image) -> Looked:
    """Look into an image.

    Raises:
        IntegrityError: it is corrupt.
    """
    tree = layer.tree_of(workshop, image)
    return Looked(image, tree, contents(tree, image.config.labels))


def lines(found: Looked) -> Iterator[tuple[str, str]]:
    """What is in it, for people."""
    inside = found.contents
    yield "size", f"{size(found.compressed)} compressed, {size(inside.size)} unpacked, {inside.names} names"
    for release in inside.kernels:
        yield "kernel", shown(release)
    if inside.packages:
        yield "packages", f"{len(inside.packages)} ({', '.join(sorted({each.manager for each in inside.packages}))})"
    for account in inside.accounts:
        if account.can_log_in:
            yield "user", shown(f"{account.name} {account.uid} {account.shell}, password {account.password}")
    if inside.enabled:
        yield "enabled", " ".join(map(shown, inside.enabled))
    for listener in inside.listeners:
        yield "listens", shown(f"{listener.address}:{listener.port}/{listener.protocol} ({listener.unit})")
    for thing in inside.lacks:
        yield "lacks", thing


def columns(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values beneath each other."""
    every = list(pairs)
    width = max(len(name) for name, _ in every)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in every)


def open_image(here: Session, text: str, architecture: Architecture | None, progress: Progress) -> Image:
    """The image that a person named, pulled first where it is in a registry.

    Raises:
        BootworthyError: as `volumes.plain.open_source`.
    """
    return plain.open_source(
        text, here.store, architecture=architecture, registries=here.registries(progress), progress=progress
    )


def members(store: Store, text: str) -> tuple[Descriptor, ...]:
    """What is in the bundle of that name; nothing where it is none, or not in the store."""
    try:
        descriptor = store.resolve(Reference.parse(text.removeprefix(DOCKER)))
        document = read_document(store, descriptor)
    except (UsageError, NotFoundError):
        return ()
    return document.manifests if isinstance(document, Index) and is_bundle(document) else ()
