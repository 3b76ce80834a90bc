"""Images to move about: of some size, of several platforms, in bundles; all of it random and seeded."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bootworthy.oci import digest, documents
from bootworthy.oci.documents import PLATFORM, ROLE, Descriptor, Platform
from bootworthy.oci.image import Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.oci_images import tar_of

BUNDLE = "application/vnd.bootworthy.bundle.v1+json"
AMD, ARM = Architecture.X86_64, Architecture.AARCH64
OTHER = next(each for each in Architecture if each is not Architecture.native())


def put_image(
    store: Store, *, seed: int = 1, sizes: Sequence[int] = (3000, 200), architecture: Architecture | None = None,
    role: str | None = None,
) -> Descriptor:  # fmt: skip
    """An image with a layer for each of these sizes in bytes, which no compression makes much smaller."""
    layers = []
    for number, size in enumerate(sizes):
        tar = tar_of({f"file-{number}": random.Random(f"{seed} {number}").randbytes(size)})
        layers.append(Layer(store.put_bytes(gzip.compress(tar, 1, mtime=0), documents.LAYER_GZIP), digest.of(tar)))
    labels = {ROLE: role} if role else {}
    return store.put_image(layers=layers, architecture=architecture or Architecture.native(), annotations=labels)


def put_index(store: Store, name: str = "localhost/both:1", sizes: Sequence[int] = (3000, 200)) -> Descriptor:
    """An index of an image for each architecture, named."""
    images = [put_image(store, seed=30 + n, sizes=sizes, architecture=each) for n, each in enumerate(Architecture)]
    index = store.put_index(images)
    store.tag(Reference.parse(name), index)
    return index


def put_bundle(store: Store, name: str = "localhost/bundle:1") -> Descriptor:
    """A root and a kernel for each architecture, as one bundle, named."""
    roots, kernels = [], []
    for number, each in enumerate(Architecture):
        roots.append(put_image(store, seed=10 + number, architecture=each, role="root"))
        kernel = put_image(store, seed=20 + number, sizes=[500], architecture=each, role="kernel")
        said = {ROLE: "kernel", PLATFORM: str(Platform.of(each))}
        kernels.append(replace(kernel, platform=Platform("unknown", "unknown"), annotations=said))
    bundle = store.put_index([*roots, *kernels], artifact_type=BUNDLE)
    store.tag(Reference.parse(name), bundle)
    return bundle


def blobs(root: Path) -> dict[str, int]:
    """The blobs of a layout that are what they are called, with their sizes; others fail."""
    found = {}
    for path in sorted(root.glob("blobs/*/*")):
        with path.open("rb") as file:
            assert hashlib.file_digest(file, path.parent.name).hexdigest() == path.name
        found[f"{path.parent.name}:{path.name}"] = path.stat().st_size
    return found


def left(root: Path) -> list[str]:
    """What lies in a layout's `.partial`."""
    return sorted(path.name for path in (root / ".partial").glob("*"))
