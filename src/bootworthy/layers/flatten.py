"""An image into one tree: its layers are taken in side by side, each at most once ever, and merged."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from pathlib import Path

from bootworthy.errors import IntegrityError
from bootworthy.host.progress import QUIET, Progress
from bootworthy.layers.body import LayerFiles, find, ingest, names
from bootworthy.layers.bulk import bulk
from bootworthy.layers.faults import layer_name, naming, verdict
from bootworthy.layers.image import Image
from bootworthy.layers.merge import merge
from bootworthy.layers.node import Tree


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
    with bulk(), naming(image):
        bodies = [names(cache, layer.diff_id)[0] for layer in image.layers]
        with _taking(image, cache, progress) as taken:
            return merge((files.load() for files in taken), bodies)


def take(image: Image, cache: Path, progress: Progress = QUIET) -> list[LayerFiles]:
    """The bodies and indexes of an image's layers, lowest first; those that are not there yet are made.

    Raises:
        IntegrityError, SpaceError, HostError: as `tree_of`.
    """
    with _taking(image, cache, progress) as taken:
        return list(taken)


@contextlib.contextmanager
def _taking(image: Image, cache: Path, progress: Progress) -> Iterator[Iterator[LayerFiles]]:
    """The layers of an image, lowest first, each as soon as it is there; those above it go on meanwhile."""
    found = {layer.diff_id: find(cache, layer.diff_id) for layer in image.layers}
    there = {diff_id: files for diff_id, files in found.items() if files is not None}
    if len(there) == len(found):
        yield (there[layer.diff_id] for layer in image.layers)
        return
    with _missing(image, cache, progress, there) as futures:
        yield (there.get(each.diff_id) or _next(futures, each.diff_id) for each in image.layers)


@contextlib.contextmanager
def _missing(
    image: Image, cache: Path, progress: Progress, there: Container[str]
) -> Iterator[dict[str, Future[LayerFiles]]]:
    """The layers that are not there, by diffID, taken in side by side."""
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
            yield futures
        finally:
            stop.set()  # whoever still runs when one failed, or Ctrl-C came, stops at its next read
            pool.shutdown(wait=True, cancel_futures=True)


def _number(item: tuple[str, int]) -> int:
    return item[1]


def _next(futures: Mapping[str, Future[LayerFiles]], diff_id: str) -> LayerFiles:
    """One of them, once it is there; the first error of any ends it, and of several the lowest layer's is raised."""
    wanted = futures[diff_id]
    left = set(futures.values())
    while not wanted.done():
        done, left = wait(left, return_when=FIRST_COMPLETED)
        for future in futures.values():
            if future in done:
                future.result()
    return wanted.result()


def _take(image: Image, number: int, cache: Path, seen: Callable[[int], None]) -> LayerFiles:
    layer = image.layers[number]
    blob = layer.descriptor
    where = layer_name(image, number)
    if not layer.diff_id.startswith("sha256:"):
        raise IntegrityError(
            "layer.unknown-digest", f"its diffID {layer.diff_id!r} is none that can be checked", where=where,
            hint="build the image with sha256 digests",
        )  # fmt: skip
    with image.open_layer(number) as stream, verdict(stream):
        return ingest(
            stream, blob.media_type, cache, diff_id=layer.diff_id, seen=seen, where=where,
            digest=blob.digest if blob.digest.startswith("sha256:") else None,
        )  # fmt: skip
