"""Single files out of an image: a kernel, an initial RAM disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

from bootworthy.errors import NotFoundError
from bootworthy.host import files
from bootworthy.layers.node import Kind, Tree
from bootworthy.volumes.convert import VolumeFile


def extract(tree: Tree, path: bytes, folder: Path, name: str) -> VolumeFile:
    """The regular file at `path` as a file of `folder`, named by what it holds; `name` is the image's, for messages.

    Raises:
        NotFoundError: `image.no-file`.
        SpaceError, HostError: it cannot be written.
    """
    node = tree.find(path)
    if node is None or node.kind is not Kind.FILE:
        raise NotFoundError("image.no-file", f"there is no file /{path.decode(errors='replace')}", where=name)
    data = tree.read(node)
    digest = hashlib.sha256(data).hexdigest()
    place = folder / digest
    if not (place.is_file() and place.read_bytes() == data):
        files.write(place, data)
    return VolumeFile(place, f"sha256:{digest}")
