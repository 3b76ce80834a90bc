from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootworthy.errors import DocumentError
from bootworthy.oci import documents
from bootworthy.oci.documents import Descriptor, ImageConfig, Index, Manifest, Platform, parse_document, parse_index
from bootworthy.oci.fields import LIMIT, Fields
from bootworthy.vocabulary import Architecture

DIGEST = "sha256:" + "0a" * 32
CONFIG = {"mediaType": documents.CONFIG, "digest": DIGEST, "size": 7}
LAYER = {"mediaType": documents.LAYER_GZIP, "digest": DIGEST, "size": 9, "annotations": {"a": "b"}}
MANIFEST = {"schemaVersion": 2, "mediaType": documents.MANIFEST, "config": CONFIG, "layers": [LAYER]}
ARM = {"os": "linux", "architecture": "arm64", "variant": "v8"}
MEMBER = {"mediaType": documents.MANIFEST, "digest": DIGEST, "size": 3, "platform": ARM}
INDEX = {"schemaVersion": 2, "manifests": [MEMBER]}


def raw(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_manifest() -> None:
    data = raw({**MANIFEST, "annotations": {documents.ROLE: "kernel"}, "unknown": [1]})
    manifest = parse_document(data, where="m", media_type=documents.MANIFEST)
    assert isinstance(manifest, Manifest)
    assert manifest.raw == data
    assert manifest.config == Descriptor(documents.CONFIG, DIGEST, 7)
    assert manifest.layers == (Descriptor(documents.LAYER_GZIP, DIGEST, 9, {"a": "b"}),)
    assert manifest.annotations == {documents.ROLE: "kernel"}


def test_docker_types_are_read_too() -> None:
    found = parse_document(raw({**MANIFEST, "mediaType": documents.DOCKER_MANIFEST}), where="m")
    assert isinstance(found, Manifest)
    found = parse_document(raw({**INDEX, "mediaType": documents.DOCKER_INDEX}), where="m")
    assert isinstance(found, Index)


def test_an_index() -> None:
    index = parse_index(raw(INDEX), where="i")
    assert index.manifests[0].platform == Platform("linux", "arm64", "v8")
    assert str(index.manifests[0].platform) == "linux/arm64/v8"
    assert index.manifests[0].platform.matches(Architecture.AARCH64)
    assert not index.manifests[0].platform.matches(Architecture.X86_64)


def test_null_is_a_field_that_is_not_there() -> None:
    data = raw(
        {"architecture": "amd64", "os": "linux", "config": {"Labels": None, "Env": None}, "rootfs": {"diff_ids": None}}
    )
    config = ImageConfig.parse(data, where="c")
    assert (config.labels, config.environment, config.diff_ids, config.created) == ({}, (), (), None)
    assert ImageConfig.parse(raw({"architecture": "a", "os": "b", "config": None}), where="c").command == ()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "no valid JSON"),
        (b"{", "no valid JSON"),
        (b"\xff\xfe{}", "no valid JSON"),
        (b"[]", "not a JSON object"),
        (b'{"schemaVersion":2,"schemaVersion":2}', "twice"),
        (b'{"schemaVersion":NaN}', "NaN"),
        (b'{"a":"\\ud800"}', "no valid JSON"),
        (b"[" * 100_000, "no valid JSON"),
        (b'{"schemaVersion":' + b"9" * 5000 + b"}", "no valid JSON"),
        (raw({}), "schemaVersion: must be"),
        (raw({"schemaVersion": 3}), "schemaVersion: must be 2"),
        (raw({"schemaVersion": 2}), "config.mediaType: must be a string"),
        (raw({**MANIFEST, "layers": {}}), "layers: must be a list"),
        (raw({**MANIFEST, "layers": [3]}), "layers[0]: must be an object"),
        (raw({**MANIFEST, "layers": [{**LAYER, "digest": "sha256:../../x"}]}), "layers[0].digest: "),
        (raw({**MANIFEST, "layers": [{**LAYER, "size": -1}]}), "layers[0].size: "),
        (raw({**MANIFEST, "layers": [{**LAYER, "size": True}]}), "layers[0].size: "),
        (raw({**MANIFEST, "layers": [{**LAYER, "size": 1.5}]}), "layers[0].size: "),
        (raw({**MANIFEST, "layers": [{**LAYER, "annotations": {"a": 1}}]}), "layers[0].annotations.a: must"),
        (raw({**MANIFEST, "manifests": []}), "manifests: has no place"),
        (raw({**MANIFEST, "mediaType": "text/plain"}), "neither"),
        (raw({**MANIFEST, "mediaType": documents.INDEX}), "config: has no place"),
        (raw({**INDEX, "manifests": [{**MEMBER, "platform": {"os": "linux"}}]}), "manifests[0].platform.architecture"),
    ],
)  # fmt: skip
def test_mistakes_are_named(data: bytes, says: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(data, where="some/place")
    assert says in caught.value.message
    assert caught.value.where == "some/place"
    assert len(caught.value.problems) == 1


def test_a_document_that_contradicts_its_descriptor_is_refused() -> None:
    with pytest.raises(DocumentError, match="its descriptor says"):
        parse_document(raw(MANIFEST), where="m", media_type=documents.INDEX)
    with pytest.raises(DocumentError, match="has no place"):
        parse_document(raw({**INDEX, **MANIFEST, "mediaType": None}), where="m", media_type=documents.MANIFEST)


def test_old_images_say_what_to_do() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(raw({"schemaVersion": 1, "fsLayers": []}), where="m")
    assert caught.value.code == "oci.schema1"
    assert caught.value.problems[0].hint


def test_the_size_has_a_limit() -> None:
    padding = {"pad": "x" * (LIMIT - len(raw({**MANIFEST, "pad": ""})))}
    assert parse_document(raw({**MANIFEST, **padding}), where="m").media_type == documents.MANIFEST
    with pytest.raises(DocumentError) as caught:
        parse_document(raw({**MANIFEST, **padding}) + b" ", where="m")
    assert caught.value.code == "oci.too-large"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([DIGEST, documents.INDEX, "linux"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([
        "mediaType", "digest", "size", "config", "layers", "manifests", "platform", "annotations", "subject", "os",
        "rootfs", "diff_ids", "Env", "Labels", "architecture",
    ]), inner, max_size=6),
    max_leaves=25,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["mediaType", "config", "layers", "manifests", "rootfs", "os"]), _JSON))
def test_any_document_is_read_or_refused(value: dict[str, object]) -> None:
    readers: list[Callable[[], object]] = [
        lambda: parse_document(raw({"schemaVersion": 2, **value}), where="m"),
        lambda: ImageConfig.parse(raw(value), where="m"),
    ]
    for reader in readers:
        try:
            reader()
        except DocumentError as error:
            assert error.exit_status == 3  # noqa: PT017


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_document(data, where="m")


_DESCRIPTORS = st.builds(
    Descriptor,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.just(DIGEST),
    st.integers(0, 2**63 - 1),
    st.dictionaries(st.sampled_from("abc"), st.just("ü")),
    st.none() | st.builds(Platform, st.just("linux"), st.just("arm64"), st.none() | st.just("v8")),
    st.none() | st.just("application/x"),
)


@given(_DESCRIPTORS)
def test_a_descriptor_is_read_back(descriptor: Descriptor) -> None:
    again = Descriptor.parse(Fields.parse(raw(descriptor.as_json()), kind="descriptor", where="d"))
    assert again == descriptor
    assert hash(again) == hash(descriptor)
