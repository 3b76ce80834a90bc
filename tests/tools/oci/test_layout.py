"""The store, read and written by tools we did not write."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bootworthy.errors import NotFoundError
from bootworthy.host.processes import run
from bootworthy.oci import documents
from bootworthy.oci.image import Image
from bootworthy.oci.reference import Reference
from bootworthy.oci.sources import open_source
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.needs import need
from tests.oci_images import put_layer, put_small, tar_of

NAME = Reference.parse("localhost/bootworthy/debian-12:debian-6.1-kernel")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def skopeo(*argv: str | Path) -> str:
    need("skopeo")
    # A policy of our own: the machine's may be absent or forbid what we do here.
    return run(["skopeo", "--insecure-policy", *argv], timeout=60).text


def umoci(*argv: str | Path) -> str:
    need("umoci")
    return run(["umoci", *argv], timeout=60).text


def layers(image: Image) -> list[bytes]:
    """The uncompressed layers."""
    found = []
    for number in range(len(image.layers)):
        with image.open_layer(number) as stream:
            data = stream.read()
        found.append(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    return found


def place(store: Store, name: Reference = NAME) -> str:
    return f"oci:{store.root}:{name}"


def test_skopeo_inspects_what_we_write(store: Store) -> None:
    found = put_small(store)
    store.tag(NAME, found)
    store.tag(NAME.tagged("other"), put_small(store, "other"))
    seen = json.loads(skopeo("inspect", place(store)))
    image = store.image(NAME)
    assert seen["Digest"] == found.digest
    assert seen["Labels"] == {"title": "small"}
    assert (seen["Architecture"], seen["Os"], seen["Created"]) == ("amd64", "linux", "1970-01-01T00:00:00Z")
    assert seen["Layers"] == [layer.descriptor.digest for layer in image.layers]
    assert skopeo("inspect", "--raw", place(store)).encode() == image.manifest.raw
    assert skopeo("inspect", "--raw", "--config", place(store)).encode() == image.config.raw


def test_skopeo_walks_our_index(store: Store, tmp_path: Path) -> None:
    roots = [put_small(store, arch.value, arch) for arch in Architecture]
    store.tag(NAME, store.put_index(roots, annotations={"a": "b"}, artifact_type="application/vnd.example.v1+json"))
    for arch, root in zip(Architecture, roots, strict=True):
        seen = json.loads(skopeo("--override-arch", arch.oci, "inspect", place(store)))
        assert (seen["Architecture"], seen["Layers"]) == (
            arch.oci,
            [layer.descriptor.digest for layer in store.image(root).layers],
        )
    skopeo("copy", "--all", place(store), f"oci:{tmp_path / 'copy'}:all")
    assert open_source(f"oci:{tmp_path / 'copy'}:all", store, architecture=Architecture.AARCH64).descriptor == roots[1]


@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
@pytest.mark.parametrize("tag", ["", ":localhost/copy:1"])
def test_we_read_what_skopeo_writes(store: Store, tmp_path: Path, kind: str, tag: str) -> None:
    both = [put_layer(store, {"etc/a": b"a" * 3000}), put_layer(store, {"etc/b": b""})]
    store.tag(NAME, store.put_image(layers=both, architecture=Architecture.X86_64))
    there = f"{kind}:{tmp_path / 'there'}{tag}"
    skopeo("copy", place(store), there)
    image = open_source(there, store)
    assert layers(image) == [tar_of({"etc/a": b"a" * 3000}), tar_of({"etc/b": b""})]
    assert [layer.diff_id for layer in image.layers] == [layer.diff_id for layer in both]
    assert image.config.platform.matches(Architecture.X86_64)


def test_what_skopeo_copies_into_the_store_is_ours_too(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    first, second = put_small(store, "first"), put_small(other, "second")
    store.tag(NAME, first)
    other.tag(NAME, second)
    skopeo("copy", place(other), place(store, NAME.tagged("copied")))
    skopeo("copy", place(other), f"oci:{store.root}:short")
    store.tag(NAME.tagged("third"), put_small(store, "third"))
    names = [image.name for image in store.images()]
    assert names == [str(NAME.tagged("copied")), str(NAME), str(NAME.tagged("third")), "short"]
    for reference in (NAME.tagged("copied"), Reference.parse("short")):
        assert layers(store.image(reference)) == [tar_of({"etc/motd": b"second"})]
    store.untag(Reference.parse("short"))
    with pytest.raises(NotFoundError):
        store.image(Reference.parse("short"))
    assert json.loads(skopeo("inspect", place(store)))["Digest"] == first.digest


def test_skopeo_takes_a_docker_archive_that_we_read_the_same(store: Store, tmp_path: Path) -> None:
    store.tag(NAME, put_small(store))
    archive = tmp_path / "d.tar"
    skopeo("copy", place(store), f"docker-archive:{archive}:{NAME}")
    image = open_source(f"docker-archive:{archive}:{NAME}", store)
    again = json.loads(skopeo("inspect", f"docker-archive:{archive}"))
    assert again["Layers"] == [layer.descriptor.digest for layer in image.layers]
    assert image.config.labels == {"title": "small"}


def test_umoci_reads_and_extends_what_we_write(store: Store, tmp_path: Path) -> None:
    store.tag(NAME, put_small(store, "hello\n"))
    assert umoci("ls", "--layout", store.root).split() == [str(NAME)]
    seen = json.loads(umoci("stat", "--json", "--image", f"{store.root}:{NAME}"))
    assert [entry["layer"]["digest"] for entry in seen["history"]] == [store.image(NAME).layers[0].descriptor.digest]
    bundle = tmp_path / "bundle"
    umoci("unpack", "--rootless", "--image", f"{store.root}:{NAME}", bundle)
    assert (bundle / "rootfs/etc/motd").read_text() == "hello\n"
    (bundle / "rootfs/etc/new").write_text("new\n")
    umoci("repack", "--image", f"{store.root}:more", bundle)
    image = store.image(Reference.parse("more"))
    assert len(image.layers) == 2
    assert layers(image)[0] == tar_of({"etc/motd": b"hello\n"})
    assert b"etc/new" in layers(image)[1]
    assert image.layers[0].descriptor.media_type == documents.LAYER_GZIP
