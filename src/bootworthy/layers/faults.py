"""Whose fault it is: errors about a layer name its image, and bytes that are not what was promised come first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import BinaryIO

from bootworthy.errors import IntegrityError
from bootworthy.layers.image import Image

_PIECE = 256 * 1024


def layer_name(image: Image, number: int) -> str:
    """What to call a layer in messages: `IMAGE, layer 2 of 3, sha256:...`; `number` counts from 0."""
    return f"{image.name}, layer {number + 1} of {len(image.layers)}, {image.layers[number].descriptor.digest}"


@contextlib.contextmanager
def verdict(stream: BinaryIO) -> Iterator[None]:
    """Whoever stumbles over what is in a stream lets it say first that its bytes are wrong: it is read to its end.

    Raises:
        IntegrityError: the stream's, `store.corrupt-blob`, or the block's.
    """
    try:
        yield
    except IntegrityError:
        while stream.read(_PIECE):
            pass
        raise


@contextlib.contextmanager
def naming(image: Image) -> Iterator[None]:
    """Name image and layer in errors that have no more than the diffID of one of its layers, as those of merging.

    Raises:
        IntegrityError: as the block, `where` filled in.
    """
    try:
        yield
    except IntegrityError as error:
        for number, layer in enumerate(image.layers):
            if error.where == f"layer {layer.diff_id}":
                error.where = layer_name(image, number)
                break
        raise
