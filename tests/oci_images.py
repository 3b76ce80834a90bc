"""Small images, made by code."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

from bootworthy.oci import digest, documents
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.image import Layer
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture


def tar_of(members: Mapping[str, bytes]) -> bytes:
    """A tar of regular files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def put_layer(store: Store, members: Mapping[str, bytes]) -> Layer:
    """A gzip layer of regular files, in a store."""
    tar = tar_of(members)
    return Layer(store.put_bytes(gzip.compress(tar, mtime=0), documents.LAYER_GZIP), digest.of(tar))


def put_small(store: Store, text: str = "hello\n", architecture: Architecture = Architecture.X86_64) -> Descriptor:
    """An image of one small layer, in a store."""
    layer = put_layer(store, {"etc/motd": text.encode()})
    return store.put_image(
        layers=[layer], architecture=architecture, labels={"title": "small"}, annotations={documents.ROLE: "root"},
        extras={"Cmd": ["/sbin/init"]},
    )  # fmt: skip
