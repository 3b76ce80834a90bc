"""Who uses what of the disk: blobs of the store, and what the cache has made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bootworthy.layers import body
from bootworthy.oci.layout import Layout, canonical_name, names_of
from bootworthy.oci.reach import Reached, reach
from bootworthy.volumes.garbage import occupied


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What an image uses, or several together, in bytes."""

    blobs: int
    """Compressed layers and documents in the store."""
    own: int
    """Of these, what no other image has."""
    bodies: int
    """What its layers hold, inflated, and their indexes."""
    volumes: int
    """Volumes that were made of it, kernels and RAM disks that were taken out."""

    @property
    def shared(self) -> int:
        """Bytes of blobs that other images have too."""
        return self.blobs - self.own

    def as_json(self) -> dict[str, int]:
        """The figures for programs."""
        return {
            "blobs": self.blobs, "own": self.own, "shared": self.shared, "bodies": self.bodies,
            "volumes": self.volumes,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUse:
    """One image, under all its names."""

    digest: str
    names: tuple[str, ...]
    used: Used


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The whole disk."""

    images: tuple[ImageUse, ...]
    """Those that have a name, by it."""
    total: Used
    """Store and cache whole; `own` is what images with a name have."""


def usage(store: Path, cache: Path) -> Usage:
    """Look at a store and a cache. What reflinks share is counted in each file.

    Raises:
        DocumentError, NotFoundError: the store's own index cannot be read.
    """
    layout = Layout(store)
    entries = layout.index().manifests if (store / "oci-layout").exists() else ()
    names: dict[str, list[str]] = {}
    for entry in entries:
        names.setdefault(entry.digest, []).extend(canonical_name(name) for name in names_of(entry)[:1])
    reached = {entry.digest: reach(layout, [entry]) for entry in entries}
    sizes = {digest: _there(layout, each) for digest, each in reached.items()}
    holders = Counter(blob for each in sizes.values() for blob in each)
    images = [
        ImageUse(
            digest=digest, names=tuple(sorted(set(names[digest]))),
            used=Used(
                blobs=sum(sizes[digest].values()),
                own=sum(size for blob, size in sizes[digest].items() if holders[blob] == 1),
                bodies=_bodies(cache, each), volumes=_made(cache, each),
            ),
        )
        for digest, each in reached.items()
    ]  # fmt: skip
    named = {blob: size for each in sizes.values() for blob, size in each.items()}
    total = Used(
        blobs=sum(path.stat().st_size for path in store.glob("blobs/*/*")), own=sum(named.values()),
        bodies=occupied(cache / "layers"), volumes=occupied(cache / "volumes") + occupied(cache / "files"),
    )  # fmt: skip
    return Usage(images=tuple(sorted(images, key=lambda image: image.names)), total=total)


def _there(layout: Layout, reached: Reached) -> Mapping[str, int]:
    """The blobs that are in the store, with their sizes."""
    found = {}
    for digest in reached.blobs:
        algorithm, _, encoded = digest.partition(":")
        path = layout.root / "blobs" / algorithm / encoded
        if path.is_file():
            found[digest] = path.stat().st_size
    return found


def _bodies(cache: Path, reached: Reached) -> int:
    return sum(occupied(path) for diff_id in reached.diff_ids for path in body.names(cache / "layers", diff_id))


def _made(cache: Path, reached: Reached) -> int:
    owners = [config.partition(":")[2] for config in reached.configs]
    return sum(occupied(cache / folder / owner) for folder in ("volumes", "files") for owner in owners)
