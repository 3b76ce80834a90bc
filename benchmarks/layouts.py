"""OCI image layouts from tar streams, compressed as most tools do it: gzip by zlib, level 6."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from isal import isal_zlib

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
TAG = "bench"

Pieces = Callable[[], Iterable[bytes]]
"""The bytes of a tar archive."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Something in a layout."""

    media_type: str
    digest: str
    size: int

    def descriptor(self) -> dict[str, object]:
        """As documents have it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}


def write(folder: Path, layers: Sequence[Pieces]) -> None:
    """An image of these layers, lowest first, as a layout with the tag `TAG`."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda layer: _layer(blobs, *layer), enumerate(layers)))
    config = _document(blobs, _CONFIG, {
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in done]},
    })  # fmt: skip
    manifest = _document(blobs, _MANIFEST, {
        "schemaVersion": 2, "mediaType": _MANIFEST, "config": config.descriptor(),
        "layers": [blob.descriptor() for blob, _ in done],
    })  # fmt: skip
    named = {**manifest.descriptor(), "annotations": {"org.opencontainers.image.ref.name": TAG}}
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))


def layer_files(folder: Path) -> list[tuple[Path, str, str]]:
    """The layers of the image in a layout, lowest first: file, digest, diffID."""
    blobs = folder / "blobs" / "sha256"
    index = json.loads((folder / "index.json").read_bytes())
    manifest = json.loads((blobs / _stem(index["manifests"][0]["digest"])).read_bytes())
    config = json.loads((blobs / _stem(manifest["config"]["digest"])).read_bytes())
    digests = [layer["digest"] for layer in manifest["layers"]]
    return [
        (blobs / _stem(digest), digest, diff_id)
        for digest, diff_id in zip(digests, config["rootfs"]["diff_ids"], strict=True)
    ]


def _layer(blobs: Path, number: int, pieces: Pieces) -> tuple[Blob, str]:
    partial = blobs / f".layer-{number}"
    outside, inside = hashlib.sha256(), hashlib.sha256()
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    size = 0
    with partial.open("wb") as file:

        def put(data: bytes) -> None:
            nonlocal size
            outside.update(data)
            size += file.write(data)

        for piece in pieces():
            inside.update(piece)
            put(packer.compress(piece))
        put(packer.flush())
    digest = outside.hexdigest()
    partial.replace(blobs / digest)
    return Blob(_LAYER, f"sha256:{digest}", size), f"sha256:{inside.hexdigest()}"


def _document(blobs: Path, media_type: str, content: object) -> Blob:
    data = json.dumps(content).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return Blob(media_type, f"sha256:{digest}", len(data))


def _stem(digest: str) -> str:
    return digest.removeprefix("sha256:")


def inflated(path: Path) -> int:
    """Bytes in a gzip file."""
    total = 0
    inflater = isal_zlib.decompressobj(31)
    with path.open("rb") as file:
        while data := file.read(1 << 20):
            total += len(inflater.decompress(data))
    return total


def entries(path: Path) -> int:
    """Members of a gzipped tar."""
    with tarfile.open(path, "r|gz") as archive:
        return sum(1 for _ in archive)
