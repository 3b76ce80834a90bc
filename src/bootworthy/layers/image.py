"""What is asked of an image here; `oci.image.Image` is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO, Protocol


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
    """Layers to be taken in."""

    @property
    def name(self) -> str:
        """What a person calls it."""

    @property
    def layers(self) -> Sequence[ImageLayer]:
        """Lowest first."""

    def open_layer(self, number: int, /) -> BinaryIO:
        """The compressed bytes of a layer, as a stream that itself holds them to the digest of their descriptor.

        Raises:
            IntegrityError: they are others, here or at the end of reading.
        """
