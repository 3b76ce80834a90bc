"""The documents we make ourselves, as the bytes that their digests name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bootworthy.oci import digest as digests
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.documents import INDEX, MANIFEST, Descriptor, Platform
from bootworthy.oci.image import Layer

EMPTY = b"{}"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"


def config_bytes(
    layers: Sequence[Layer], platform: Platform, *, labels: Mapping[str, str], epoch: int, history: Sequence[str],
    extras: Mapping[str, object],
) -> bytes:  # fmt: skip
    """An image configuration (config.md); arguments as `Store.put_image` has them."""
    created = datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = [*history, *["bootworthy"] * len(layers)][: len(layers)]
    config = platform.as_json() | {
        "created": created,
        "config": {**extras, **({"Labels": dict(labels)} if labels else {})},
        "rootfs": {"type": "layers", "diff_ids": [digests.validate(layer.diff_id) for layer in layers]},
        "history": [{"created": created, "created_by": text} for text in said],
    }
    return canonical_json(config)


def manifest_bytes(config: Descriptor, layers: Sequence[Descriptor], annotations: Mapping[str, str]) -> bytes:
    """A manifest (manifest.md)."""
    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.as_json(),
        "layers": [layer.as_json() for layer in layers],
    }
    return canonical_json(manifest | ({"annotations": dict(annotations)} if annotations else {}))


def index_bytes(
    manifests: Sequence[Descriptor], annotations: Mapping[str, str] | None = None, artifact_type: str | None = None
) -> bytes:
    """An index (image-index.md); without arguments the `index.json` of an empty layout."""
    index: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [each.plain().as_json() for each in manifests],
    }
    if annotations:
        index["annotations"] = dict(annotations)
    if artifact_type:
        index["artifactType"] = artifact_type
    return canonical_json(index)


def artifact_bytes(
    artifact_type: str, layers: Sequence[Descriptor], subject: Descriptor, annotations: Mapping[str, str]
) -> bytes:
    """The manifest of something that is no image and speaks of one (manifest.md, "Guidelines for Artifact Usage").

    Its configuration is the empty document, `EMPTY`.
    """
    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": Descriptor.of(EMPTY, EMPTY_TYPE).as_json(),
        "layers": [layer.as_json() for layer in layers],
        "subject": Descriptor(subject.media_type, subject.digest, subject.size).as_json(),
        "annotations": dict(annotations),
    }
    return canonical_json(manifest)
