"""An image into one tree: its layers are taken in side by side, each at most once ever, and merged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Container, Sequence
from concurrent.futures import FIRST_EXCEPTION, CancelledError, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import BinaryIO, Protocol

from bootworthy.errors import IntegrityError
from bootworthy.host.progress import QUIET, Progress
from bootworthy.layers.body import LayerFiles, find, ingest
from bootworthy.layers.bulk import bulk
from bootworthy.layers.merge import merge
from bootworthy.layers.node import Tree


class Blob(Protocol):
    """What points to a compressed layer."""

    @property
    def digest(self) -> str:
        """`sha256:...` of its bytes."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def media_type(self) -> str:
        """What it is called where it is listed."""


class ImageLayer(Protocol):
    """A layer of an image."""

    @property
    def descriptor(self) -> Blob:
        """Its compressed bytes."""

    @property
    def diff_id(self) -> str:
        """`sha256:...` of what is in them."""


class Image(Protocol):
    """All that is asked of an image: `oci.image.Image` is one."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def layers(self) -> Sequence[ImageLayer]:
        """Lowest first."""

    def open_layer(self, number: int, /) -> BinaryIO:
        """The compressed bytes of a layer."""


def tree_of(image: Image, cache: Path, progress: Progress = QUIET) -> Tree:
    """The merged tree of an image.

    Args:
        image: whose layers to take.
        cache: the folder that keeps bodies and indexes.
        progress: told of compressed bytes.

    Raises:
        IntegrityError: a layer is corrupt, malformed, or not what the image says it is.
        SpaceError, HostError: the cache cannot be written.
    """
    with bulk():
        files = take(image, cache, progress)
        return merge((each.load() for each in files), [each.body for each in files])


def take(image: Image, cache: Path, progress: Progress = QUIET) -> list[LayerFiles]:
    """The bodies and indexes of an image's layers, lowest first; those that are not there yet are made.

    Raises:
        IntegrityError, SpaceError, HostError: as `tree_of`.
    """
    there = {layer.diff_id: find(cache, layer.diff_id) for layer in image.layers}
    taken = {diff_id: files for diff_id, files in there.items() if files is not None}
    if len(taken) < len(there):
        taken |= _take_missing(image, cache, progress, taken.keys())
    return [taken[layer.diff_id] for layer in image.layers]


def _take_missing(image: Image, cache: Path, progress: Progress, there: Container[str]) -> dict[str, LayerFiles]:
    """Take in the layers that are not there, side by side."""
    stop = threading.Event()
    layers = [(number, layer) for number, layer in enumerate(image.layers) if layer.diff_id not in there]
    first = {layer.diff_id: number for number, layer in reversed(layers)}
    total = sum(image.layers[number].descriptor.size for number in first.values())
    with (
        progress.task(f"unpacking {image.name.partition('@')[0][:100]}", total) as task,
        ThreadPoolExecutor(min(len(first) or 1, os.cpu_count() or 1), "layer") as pool,
    ):

        def seen(amount: int) -> None:
            if stop.is_set():
                raise CancelledError
            task.advance(amount)

        futures = {
            diff_id: pool.submit(_take, image, number, cache, seen)
            for diff_id, number in sorted(first.items(), key=_number)
        }
        try:
            _wait(list(futures.values()))
        finally:
            stop.set()  # whoever still runs when one failed, or Ctrl-C came, stops at its next read
            pool.shutdown(wait=True, cancel_futures=True)
        return {diff_id: future.result() for diff_id, future in futures.items()}


def _number(item: tuple[str, int]) -> int:
    return item[1]


def _wait(futures: Sequence[Future[LayerFiles]]) -> None:
    """Wait for all of them; the first error ends it, and of several the lowest layer's is raised."""
    done, _ = wait(futures, return_when=FIRST_EXCEPTION)
    for future in futures:
        if future in done:
            future.result()


def _take(image: Image, number: int, cache: Path, seen: Callable[[int], None]) -> LayerFiles:
    layer = image.layers[number]
    blob = layer.descriptor
    where = f"layer {number + 1} of {len(image.layers)}, {blob.digest}"
    if not layer.diff_id.startswith("sha256:"):
        raise IntegrityError(
            "layer.unknown-digest", f"its diffID {layer.diff_id!r} is none that can be checked", where=where,
            hint="build the image with sha256 digests",
        )  # fmt: skip
    with image.open_layer(number) as stream:
        return ingest(
            stream, blob.media_type, cache, diff_id=layer.diff_id, seen=seen, where=where,
            digest=blob.digest if blob.digest.startswith("sha256:") else None,
        )  # fmt: skip
