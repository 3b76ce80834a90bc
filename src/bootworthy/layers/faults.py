"""Whose fault it is: errors about a layer name its image, and bytes that are not what was promised come first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

from bootworthy.errors import IntegrityError

_PIECE = 256 * 1024


class Blob(Protocol):
    """What points to a compressed layer."""

    @property
    def digest(self) -> str:
        """Of its bytes."""


class ImageLayer(Protocol):
    """A layer of an image."""

    @property
    def descriptor(self) -> Blob:
        """Its compressed bytes."""

    @property
    def diff_id(self) -> str:
        """Of what is in them."""


class Image(Protocol):
    """All that is asked of an image."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def layers(self) -> Sequence[ImageLayer]:
        """Lowest first."""


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
