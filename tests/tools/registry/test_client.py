"""Our client at Debian's docker-registry, with skopeo as the other side."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from bootworthy.errors import BootworthyError, IntegrityError, NotFoundError, RefusedError
from bootworthy.host import processes
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import DOCKER_MANIFEST, INDEX, MANIFEST, Descriptor, Index, Manifest
from bootworthy.oci.reference import Reference
from bootworthy.oci.registry import upload
from bootworthy.oci.registry.referrers import tag_of
from bootworthy.oci.registry.repository import Repository
from bootworthy.oci.store import Store
from tests.clients import Bytes, Counter, client, described, noise
from tests.needs import need
from tests.oci_images import put_small
from tests.registry import DockerRegistry, content, docker_registry

LARGE = noise(3_000_000)
SMALL = content.image()
WANTED = Descriptor(MANIFEST, SMALL.digest, len(SMALL.manifest))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("docker-registry")) as found:
        yield found


@pytest.fixture
def repository(registry: DockerRegistry, request: pytest.FixtureRequest) -> Repository:
    """One for each test."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower()).strip("-")
    return client(registry.host, "of/" + "-".join(filter(None, name.split("-")))[:100])


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "_SMALL", 1_000_000)
    monkeypatch.setattr(upload, "_CHUNK", 1_000_000)


def push(repository: Repository, image: content.Small, *tags: str) -> Descriptor:
    for blob in (image.layer, image.config):
        repository.put_blob(described(blob), Bytes(blob))
    descriptor = Descriptor(image.media_type, image.digest, len(image.manifest))
    repository.put_manifest(descriptor, image.manifest, tags)
    return descriptor


def got(repository: Repository, wanted: Descriptor) -> bytes:
    sink = io.BytesIO()
    repository.fetch(wanted, sink)
    return sink.getvalue()


def skopeo(*arguments: str) -> bytes:
    need("skopeo")
    return processes.run(["skopeo", "--insecure-policy", *arguments], timeout=120).stdout


@pytest.mark.parametrize("size", [0, 1, 16_384, 16_385, 1_000_000, 1_000_001, 3_000_000])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_blobs_go_and_come(repository: Repository, size: int, algorithm: str) -> None:
    blob = noise(size, size)
    wanted, counter = described(blob, algorithm), Counter()
    assert not repository.has(wanted)
    assert repository.put_blob(wanted, Bytes(blob), advance=counter)
    assert counter.total == size
    assert repository.has(wanted)
    assert got(repository, wanted) == blob
    assert not repository.put_blob(wanted, Bytes(blob))


def test_a_blob_is_taken_up_where_an_earlier_run_was(repository: Repository, tmp_path: Path) -> None:
    repository.put_blob(described(LARGE), Bytes(LARGE))
    path = tmp_path / "kept"
    path.write_bytes(LARGE[:1_234_567])
    counter = Counter()
    with path.open("r+b", buffering=0) as file:
        repository.fetch(described(LARGE), file, start=1_234_567, advance=counter)
    assert path.read_bytes() == LARGE
    assert counter.total == len(LARGE) - 1_234_567


def test_a_neighbour_lends_it(registry: DockerRegistry, repository: Repository) -> None:
    neighbour = client(registry.host, "of/neighbour")
    neighbour.put_blob(described(LARGE), Bytes(LARGE))
    assert not repository.put_blob(described(LARGE), Bytes(LARGE), mount_from=["of/nobody", "of/neighbour"])
    assert got(repository, described(LARGE)) == LARGE


def test_other_bytes_than_the_digest_are_never_kept(repository: Repository) -> None:
    with pytest.raises(IntegrityError) as caught:
        repository.put_blob(described(LARGE), Bytes(noise(len(LARGE), 2)))
    assert caught.value.code == "registry.wrong-digest"
    assert not repository.has(described(LARGE))


class Relay:
    """A way to a registry on which the first connections break after so many bytes towards it."""

    def __init__(self, host: str, breaks: list[int]) -> None:
        address, _, port = host.rpartition(":")
        self._to = (address, int(port))
        self._breaks = breaks
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._sockets = [self._listener]
        self.connections = 0

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *exception: object) -> None:
        _hang_up(self._listener)
        self._threads[0].join(20)
        _hang_up(*self._sockets)
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._to)
                self.connections += 1
                self._sockets += [near, far]
                most = self._breaks.pop(0) if self._breaks else 1 << 40
                for pair in ((near, far, most), (far, near, 1 << 40)):
                    self._threads.append(threading.Thread(target=self._carry, args=pair))
                    self._threads[-1].start()

    @staticmethod
    def _carry(source: socket.socket, sink: socket.socket, left: int) -> None:
        with contextlib.suppress(OSError):
            while left > 0 and (piece := source.recv(min(65_536, left))):
                sink.sendall(piece)
                left -= len(piece)
        _hang_up(source, sink)


def _hang_up(*sockets: socket.socket) -> None:
    for each in sockets:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def test_an_upload_through_a_line_that_breaks(registry: DockerRegistry, repository: Repository) -> None:
    name = repository.name.partition("/")[2]
    with Relay(registry.host, [500_000, 2_500_000, 100]) as relay:
        assert client(relay.host, name).put_blob(described(LARGE), Bytes(LARGE))
        assert relay.connections > 2
    assert got(repository, described(LARGE)) == LARGE


@pytest.mark.parametrize("docker", [False, True], ids=["oci", "docker"])
def test_skopeo_reads_what_we_push(repository: Repository, docker: bool, tmp_path: Path) -> None:
    image = content.image(docker=docker)
    push(repository, image, "v1", "latest")
    for reference in (f"{repository.name}:v1", f"{repository.name}@{image.digest}"):
        assert skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{reference}") == image.manifest
    skopeo("copy", "--src-tls-verify=false", f"docker://{repository.name}:latest", f"dir:{tmp_path / 'copy'}")
    assert (tmp_path / "copy" / digests.of(image.layer).partition(":")[2]).read_bytes() == image.layer


@pytest.mark.parametrize(("kind", "media_type"), [("oci", MANIFEST), ("v2s2", DOCKER_MANIFEST)])
def test_we_read_what_skopeo_pushes(repository: Repository, kind: str, media_type: str, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    name = Reference.parse("localhost/small:1")
    store.tag(name, put_small(store))
    skopeo(
        "copy", "--dest-tls-verify=false", f"--format={kind}", f"oci:{store.root}:{name}",
        f"docker://{repository.name}:v1",
    )  # fmt: skip
    top = repository.resolve("v1")
    assert top.media_type == media_type
    ((found, document),) = repository.walk(top)
    assert isinstance(document, Manifest)
    for each in (document.config, *document.layers):
        assert digests.of(got(repository, each)) == each.digest
    assert repository.resolve(found.digest) == found
    assert repository.manifest("v1") == (top, document.raw)


def test_an_index_and_what_is_in_it(repository: Repository) -> None:
    second = content.image(b"second\n")
    raw = content.index(*(content.descriptor(each.manifest, MANIFEST) for each in (SMALL, second)))
    with pytest.raises(BootworthyError) as caught:
        repository.put_manifest(Descriptor.of(raw, INDEX), raw, ["all"])
    assert "MANIFEST_BLOB_UNKNOWN" in caught.value.message or "MANIFEST_UNKNOWN" in caught.value.message
    push(repository, SMALL)
    push(repository, second)
    repository.put_manifest(Descriptor.of(raw, INDEX), raw, ["all"])
    assert [type(each) for _, each in repository.walk(repository.resolve("all"))] == [Index, Manifest, Manifest]


def test_tags_are_listed_and_stay(repository: Repository) -> None:
    tags = sorted(f"v{number}" for number in range(25))
    push(repository, SMALL, *tags)
    assert sorted(repository.tags()) == tags
    with pytest.raises(RefusedError) as caught:
        repository.untag("v3")
    assert caught.value.code == "registry.cannot-untag"
    assert repository.resolve("v3") == WANTED


def test_a_manifest_is_deleted(repository: Repository) -> None:
    push(repository, SMALL, "v1")
    repository.delete(SMALL.digest)
    for reference in ("v1", SMALL.digest):
        with pytest.raises(NotFoundError):
            repository.resolve(reference)
    with pytest.raises(NotFoundError):
        repository.delete(SMALL.digest)


def test_what_refers_to_an_image_is_kept_by_a_tag(repository: Repository) -> None:
    push(repository, SMALL, "v1")
    repository.put_blob(described(b"{}"), Bytes(b"{}"))
    raws = [content.artifact(SMALL.manifest, MANIFEST, f"application/vnd.example.{kind}", kind) for kind in "abc"]
    for raw in raws:
        repository.put_manifest(Descriptor.of(raw, MANIFEST), raw)
    found = repository.referrers(SMALL.digest)
    assert [each.digest for each in found] == [digests.of(raw) for raw in raws]
    assert [each.annotations for each in found] == [{"note": kind} for kind in "abc"]
    assert repository.referrers(SMALL.digest, "application/vnd.example.b") == (found[1],)
    repository.delete(found[1].digest)
    assert repository.referrers(SMALL.digest) == (found[0], found[2])
    seen = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{repository.name}:{tag_of(SMALL.digest)}")
    assert [each["digest"] for each in json.loads(seen)["manifests"]] == [found[0].digest, found[2].digest]
