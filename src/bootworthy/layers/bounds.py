"""What one layer may hold that costs it next to nothing: names and attributes, which are kept in memory, and holes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bootworthy.errors import IntegrityError
from bootworthy.host.settings import LAYER_LIMIT, most_inflated
from bootworthy.layers.entry import Entry

MOST = 1 << 30
"""Bytes: five million members with paths of 80 bytes."""
_EACH = 128
_CHUNK = 24


def bounded(entries: Iterable[Entry], *, where: str | None = None, most: int | None = None) -> Iterator[Entry]:
    """Members as they come, until there is more about them than any honest layer says, or holes without an end.

    Args:
        entries: as they are read.
        where: what to call the layer in messages.
        most: bytes of names, targets and attributes, with 128 for each member and 24 for each piece of a sparse one;
            `MOST` without it.

    Raises:
        IntegrityError: `layer.too-large`.
        DocumentError: `settings.bad`.
    """
    most = MOST if most is None else most
    left = most
    largest = room = most_inflated()
    for number, entry in enumerate(entries):
        left -= _EACH + len(entry.path) + len(entry.target)
        for name, value in entry.xattrs:
            left -= len(name) + len(value)
        if entry.extents is not None:
            left -= _CHUNK * len(entry.extents)
            room -= entry.size
        if left < 0:
            message = f"the names and attributes of its first {number + 1} files take more than {most} bytes"
            raise IntegrityError(
                "layer.too-large", message, where=where, hint="build the image again with fewer files in each layer"
            )
        if room < 0:
            message = f"with `{entry.path.decode(errors='backslashreplace')}` its sparse files have more than {largest}"
            raise IntegrityError(
                "layer.too-large", f"{message} bytes, the most that is allowed here", where=where,
                hint=f"if they are meant to be so large, allow more: {LAYER_LIMIT}=256G",
            )  # fmt: skip
        yield entry
