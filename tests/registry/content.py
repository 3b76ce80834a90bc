"""Things to keep in a registry: a small image, and documents that nobody should read to their end."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

from tests.oci_images import tar_of
from tests.registry.storage import INDEXES, Storage, digest_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = INDEXES[0]
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def descriptor(content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
    """What names some content."""
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


@dataclass(frozen=True)
class Small:
    """An image of one layer, in bytes."""

    layer: bytes
    config: bytes
    manifest: bytes
    media_type: str = MANIFEST

    @property
    def digest(self) -> str:
        """Of the manifest."""
        return digest_of(self.manifest)

    def put(self, storage: Storage, name: str, *tags: str) -> str:
        """Keep it, without a request; returns its digest."""
        storage.put_blob(name, self.layer)
        storage.put_blob(name, self.config)
        return storage.put_manifest(name, self.manifest, self.media_type, *tags)


def image(text: bytes = b"hello\n", *, docker: bool = False, **more: Any) -> Small:
    """A small image for amd64; `more` are fields of its manifest."""
    tar = tar_of({"etc/motd": text})
    layer = gzip.compress(tar, mtime=0)
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/sbin/init"]},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(tar)]},
    }).encode()  # fmt: skip
    kinds = (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER) if docker else (MANIFEST, CONFIG, LAYER)
    manifest = {
        "schemaVersion": 2, "mediaType": kinds[0], "config": descriptor(config, kinds[1]),
        "layers": [descriptor(layer, kinds[2])], **more,
    }  # fmt: skip
    return Small(layer, config, json.dumps(manifest).encode(), kinds[0])


def index(*manifests: dict[str, Any], **more: Any) -> bytes:
    """An index."""
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, **more}).encode()


def artifact(subject: bytes, media_type: str, kind: str, note: str = "") -> bytes:
    """A manifest that refers to another; its config is the empty document, which has to be pushed before."""
    empty = descriptor(b"{}", "application/vnd.oci.empty.v1+json")
    return json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": empty, "layers": [empty],
        "subject": descriptor(subject, media_type), "annotations": {"note": note},
    }).encode()  # fmt: skip


def put_nested(storage: Storage, name: str, tag: str, levels: int = 100) -> str:
    """An index in an index in an index, with a small image at the bottom; returns the digest of the outermost."""
    small = image()
    small.put(storage, name)
    raw, media_type = small.manifest, MANIFEST
    for level in range(levels):
        raw, media_type = index(descriptor(raw, media_type), annotations={"level": str(level)}), INDEX
        storage.put_manifest(name, raw, INDEX)
    return storage.put_manifest(name, raw, INDEX, tag)


def put_huge(storage: Storage, name: str, tag: str, size: int = 10_000_000) -> str:
    """A manifest of many bytes, sound but for that."""
    small = image(annotations={"filler": "x" * size})
    return small.put(storage, name, tag)


def put_deep(storage: Storage, name: str, tag: str, levels: int = 1_000_000) -> str:
    """A document of lists in lists."""
    raw = b'{"schemaVersion":2,"mediaType":"%s","x":%s%s}' % (MANIFEST.encode(), b"[" * levels, b"]" * levels)
    return storage.put_manifest(name, raw, MANIFEST, tag)


def put_schema_1(storage: Storage, name: str, tag: str) -> str:
    """A signed manifest of Docker's first schema."""
    payload = {
        "schemaVersion": 1, "name": name, "tag": tag, "architecture": "amd64",
        "fsLayers": [{"blobSum": storage.put_blob(name, image().layer)}],
        "history": [{"v1Compatibility": json.dumps({"id": "0" * 64})}],
    }  # fmt: skip
    protected = base64.urlsafe_b64encode(b"{}").decode().rstrip("=")
    signatures = [{"header": {"alg": "ES256"}, "signature": "AA", "protected": protected}]
    return storage.put_manifest(name, json.dumps({**payload, "signatures": signatures}).encode(), SCHEMA_1, tag)
