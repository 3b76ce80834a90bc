"""Who uses what of the disk: blobs of the store, and what the cache has made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootworthy.layers import body
from bootworthy.oci.documents import BUNDLE, Descriptor
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


def usage(store: Path, cache: Path, inner: Callable[[str], bool] = lambda _: False) -> Usage:
    """Look at a store and a cache. What reflinks share is counted in each file.

    What goes with a bundle is counted there, and so is an image whose name is `inner` when another one has it in it.

    Raises:
        DocumentError, NotFoundError: the store's own index cannot be read.
    """
    layout = Layout(store)
    every = layout.index().manifests if (store / "oci-layout").exists() else ()
    reached = {entry.digest: reach(layout, [entry]) for entry in every}
    entries = _outer(every, reached, inner)
    names: dict[str, list[str]] = {}
    for entry in entries:
        names.setdefault(entry.digest, []).extend(canonical_name(name) for name in names_of(entry)[:1])
    sizes = {digest: _there(layout, each) for digest, each in reached.items()}
    holders = Counter(blob for digest in names for blob in sizes[digest])
    images = [
        ImageUse(
            digest=digest, names=tuple(sorted(set(names[digest]))),
            used=Used(
                blobs=sum(sizes[digest].values()),
                own=sum(size for blob, size in sizes[digest].items() if holders[blob] == 1),
                bodies=_bodies(cache, reached[digest]), volumes=_made(cache, reached[digest]),
            ),
        )
        for digest in names
    ]  # fmt: skip
    named = {blob: size for each in sizes.values() for blob, size in each.items()}
    total = Used(
        blobs=sum(path.stat().st_size for path in store.glob("blobs/*/*")), own=sum(named.values()),
        bodies=occupied(cache / "layers"), volumes=occupied(cache / "volumes") + occupied(cache / "files"),
    )  # fmt: skip
    return Usage(images=tuple(sorted(images, key=lambda image: image.names)), total=total)


def _outer(
    every: Sequence[Descriptor], reached: Mapping[str, Reached], inner: Callable[[str], bool]
) -> list[Descriptor]:
    """The entries that are counted by themselves, under all their names."""
    given = [entry for entry in every if not any(map(inner, names_of(entry)))]
    there = {entry.digest for entry in given if BUNDLE not in entry.annotations}
    own = there | {entry.digest for entry in given if entry.annotations.get(BUNDLE) not in there}
    inside = {blob for digest in own for blob in reached[digest].blobs}
    own |= {entry.digest for entry in every if entry not in given and entry.digest not in inside}
    return [entry for entry in every if entry.digest in own]


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
