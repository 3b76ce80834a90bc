"""Whatever a registry, a proxy or a line does wrong: our client ends with the right bytes or with a clear error."""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from email.utils import formatdate
from pathlib import Path
from typing import get_type_hints

import pytest

from bootworthy.errors import BootworthyError
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import MANIFEST, Descriptor, Manifest
from bootworthy.oci.registry import upload
from bootworthy.oci.registry.repository import Repository
from tests.clients import LIMITS, NAME, Bytes, client, described, noise
from tests.registry import Authority, Bearer, Registry, content, faults
from tests.registry.faults import Fault
from tests.registry.messages import Answer

LARGE = noise(2_500_000)
IMPATIENT = replace(LIMITS, answer=1, idle=1, window=0.5, floor=10_000)
SUBJECT = content.image(b"before\n")
LAYER = content.descriptor(LARGE, content.LAYER)
IMAGE = content.image(layers=[LAYER], subject=content.descriptor(SUBJECT.manifest, MANIFEST))
BLOBS, MANIFESTS, UPLOADS = "/blobs/sha256", "/manifests/", "/uploads/"
WHOLE = ""
TAGS = [f"v{number}" for number in range(1, 8)]


@dataclass
class World:
    """What a fault may lead to."""

    auth: Bearer
    other: Registry


Make = Callable[[World], Fault]

PULLS: dict[str, tuple[Make, str]] = {
    "truncated": (lambda _: faults.truncated(1_000_000, path=BLOBS), WHOLE),
    "truncated manifest": (lambda _: faults.truncated(10, path=MANIFESTS), WHOLE),
    "truncated always": (lambda _: faults.truncated(100, path=BLOBS, times=None), "registry.broken"),
    "reset": (lambda _: faults.reset(1_000_000, path=BLOBS), WHOLE),
    "reset before": (lambda _: faults.reset_before(path=BLOBS), WHOLE),
    "closed before": (lambda _: faults.closed_before(path=MANIFESTS), WHOLE),
    "broken": (lambda _: faults.broken(path=BLOBS), WHOLE),
    "broken always": (lambda _: faults.broken(path=BLOBS, times=None), "registry.unreachable"),
    "stalled": (lambda _: faults.stalled(1_000_000, path=BLOBS), WHOLE),
    "stalled before": (lambda _: faults.stalled(path=BLOBS), WHOLE),
    "slow": (lambda _: faults.slow(100, 0.1, path=BLOBS), WHOLE),
    "slow always": (lambda _: faults.slow(100, 0.1, path=BLOBS, times=None), "registry.broken"),
    "wrong bytes": (lambda _: faults.wrong_bytes(99, path=BLOBS), "registry.wrong-digest"),
    "wrong bytes of a manifest": (lambda _: faults.wrong_bytes(99, path=MANIFESTS), "registry.wrong-digest"),
    "other bytes": (lambda _: faults.other_bytes(b"nothing", path=BLOBS), "registry.wrong-size"),
    "other manifest": (lambda _: faults.other_bytes(SUBJECT.manifest, path=MANIFESTS), "registry.wrong-size"),
    "longer than said": (lambda _: faults.wrong_length(-1, path=BLOBS), "registry.wrong-size"),
    "shorter than said": (lambda _: faults.wrong_length(1, path=BLOBS), "registry.wrong-size"),
    "no length": (lambda _: faults.no_length(path=BLOBS), WHOLE),
    "endless": (lambda _: faults.endless(path=BLOBS), "registry.wrong-size"),
    "endless manifest": (lambda _: faults.endless(path=MANIFESTS), "registry.too-large"),
    "longer": (lambda _: faults.longer(10, path=BLOBS), "registry.wrong-size"),
    "gzipped": (lambda _: faults.gzipped(path=BLOBS), "registry.wrong-size"),
    "said to be gzipped": (lambda _: faults.gzipped(truly=False, path=BLOBS), WHOLE),
    "wrong digest": (lambda _: faults.wrong_digest(method="HEAD", path=MANIFESTS), "registry.not-found"),
    "no digest": (lambda _: faults.no_digest(method="HEAD", times=None), WHOLE),
    "no headers": (lambda _: faults.headers({"content_type": None}, method="GET|HEAD", times=None), WHOLE),
    "warned": (lambda _: faults.warned("soon closed", path=BLOBS), WHOLE),
    "something else": (lambda _: faults.instead(Answer(200, (), b"hello"), path=BLOBS), "registry.wrong-size"),
    "429": (lambda _: faults.status(429, retry_after=1, times=2), WHOLE),
    "429 until a date": (lambda _: faults.status(429, retry_after=formatdate(usegmt=True), times=2), WHOLE),
    "429 always": (lambda _: faults.status(429, retry_after=1, times=None), "registry.unavailable"),
    "500": (lambda _: faults.status(500, times=2, path=BLOBS), WHOLE),
    "403": (lambda _: faults.status(403, "DENIED", path=BLOBS, times=None), "registry.denied"),
    "page": (lambda _: faults.page(502, path=BLOBS, times=3), WHOLE),
    "page for good": (lambda _: faults.page(418, path=BLOBS, times=None), "registry.refused"),
    "revoked": (lambda world: faults.revoked(world.auth, path=BLOBS), WHOLE),
    "revoked midway": (lambda world: faults.revoked_midway(world.auth, 1_000_000, path=BLOBS), WHOLE),
    "redirected": (lambda world: faults.redirected(world.other.base, path=BLOBS, times=None), WHOLE),
    "redirected to nowhere": (lambda world: faults.redirected_to(f"{world.other.base}/no"), "registry.not-found"),
    "redirected to a file": (lambda _: faults.redirected_to("file:///etc/passwd"), "registry.bad-address"),
    "redirect loop": (lambda _: faults.redirect_loop(path=BLOBS), "registry.redirect"),
    "repeated tags": (lambda _: faults.repeated_tags(), WHOLE),
    "looping tags": (lambda _: faults.looping_tags(), "registry.endless-list"),
    "endless tags": (lambda _: faults.endless_tags(), "registry.endless-list"),
    "foreign page": (lambda world: faults.foreign_page(world.other.base), "registry.bad-answer"),
}
BROKEN_PULLS: dict[str, tuple[Make, str]] = {
    "range ignored": (lambda _: faults.range_ignored(path=BLOBS, times=None), WHOLE),
    "wrong range": (lambda _: faults.wrong_range(path=BLOBS, first=2, times=None), WHOLE),
    "lying range": (lambda _: faults.lying_range("bytes 1-2/*", path=BLOBS, times=None), WHOLE),
    "range of something else": (lambda _: faults.lying_range(path=BLOBS, times=None), "registry.wrong-size"),
    "416": (lambda _: faults.status(416, path=BLOBS, first=2), WHOLE),
    "wrong bytes after it": (lambda _: faults.wrong_bytes(5, path=BLOBS, first=2), "registry.wrong-digest"),
}
PUSHES: dict[str, tuple[Make, str]] = {
    "reset upload": (lambda _: faults.reset_upload(300_000, times=3), WHOLE),
    "reset upload always": (lambda _: faults.reset_upload(10, times=None), "registry.unreachable"),
    "lost bytes": (lambda _: faults.lost_bytes(300_000), WHOLE),
    "416 on a chunk": (lambda _: faults.status(416, method="PATCH", first=2), WHOLE),
    "416 for ever": (lambda _: faults.status(416, method="PATCH", times=None), WHOLE),
    "nibbled at": (lambda _: faults.lost_bytes(10, times=None), "registry.refused"),
    "mount ignored": (lambda _: faults.mount_ignored(), WHOLE),
    "mount refused": (lambda _: faults.mount_refused(), WHOLE),
    "upload forgotten": (lambda _: faults.upload_forgotten(first=2), WHOLE),
    "no subject": (lambda _: faults.no_subject(), WHOLE),
    "answer to a chunk lost": (lambda _: faults.reset_before(method="PATCH"), WHOLE),
    "answer to the end lost": (lambda _: faults.closed_before(method="PUT", path=UPLOADS), WHOLE),
    "answer to a manifest lost": (lambda _: faults.closed_before(method="PUT", path=MANIFESTS), WHOLE),
    "another digest taken": (lambda _: faults.wrong_digest(method="PUT", path=UPLOADS), "registry.wrong-digest"),
    "another manifest taken": (lambda _: faults.wrong_digest(method="PUT", path=MANIFESTS), "registry.wrong-digest"),
    "503 for a while": (lambda _: faults.status(503, method="POST|PATCH|PUT|HEAD", retry_after=1, times=3), WHOLE),
    "500 on a chunk": (lambda _: faults.status(500, method="PATCH"), WHOLE),
    "429 on all": (lambda _: faults.status(429, method=".*", path="/v2/team", times=None), "registry.unavailable"),
    "chunks refused": (lambda _: faults.chunk_refused(), WHOLE),
    "revoked": (lambda world: faults.revoked(world.auth, method="PATCH", first=2), WHOLE),
    "revoked at the end": (lambda world: faults.revoked(world.auth, method="PUT"), WHOLE),
    "denied": (lambda _: faults.status(403, "DENIED", method="PUT", times=None), "registry.denied"),
    "upload elsewhere": (
        lambda world: faults.headers({"location": f"{world.other.base}/up"}, method="POST", times=None),
        "registry.refused",
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "_SMALL", 1_000_000)
    monkeypatch.setattr(upload, "_CHUNK", 1_000_000)
    monkeypatch.setattr("bootworthy.oci.registry.paging._MOST", 50)


def whole(host: str) -> Repository:
    return client(host, limits=IMPATIENT)


def pull(repository: Repository) -> dict[str, bytes]:
    """Everything of an image by its tag, by digest."""
    found: dict[str, bytes] = {}
    for descriptor, document in repository.walk(repository.resolve("v1")):
        found[descriptor.digest] = document.raw
        assert isinstance(document, Manifest)
        for each in (document.config, *document.layers):
            sink = io.BytesIO()
            repository.fetch(each, sink)
            found[each.digest] = sink.getvalue()
    assert list(repository.tags()) == TAGS
    return found


def push(repository: Repository) -> None:
    """An image with a small and a large blob, which refers to another."""
    repository.put_blob(described(IMAGE.config), Bytes(IMAGE.config), mount_from=["team/base"])
    repository.put_blob(described(LARGE), Bytes(LARGE), mount_from=["team/base"])
    repository.put_manifest(Descriptor.of(IMAGE.manifest, MANIFEST), IMAGE.manifest, ["v1"])


def pulled(make: Make, expected: str, *before: Fault) -> None:
    auth = Bearer()
    with Registry() as other, Registry(auth=auth) as registry:
        for each in (registry, other):
            for blob in (LARGE, IMAGE.config):
                each.storage.put_blob(NAME, blob)
        registry.storage.put_manifest(NAME, IMAGE.manifest, MANIFEST, *TAGS)
        fault = make(World(auth, other))
        registry.faults = [*before, fault]
        try:
            found = pull(whole(registry.host))
        except BootworthyError as error:
            judge(error, expected)
        else:
            assert expected == WHOLE
            assert {digest: digests.of(raw) == digest for digest, raw in found.items()} == dict.fromkeys(
                [IMAGE.digest, digests.of(IMAGE.config), digests.of(LARGE)], True
            )
        assert fault.met > 0
        assert [each.authorization for each in other.log] == [None] * len(other.log)


def judge(error: BootworthyError, expected: str) -> None:
    """It is the error that was expected, and a person can act on it."""
    assert error.code == expected, error
    assert "127.0.0.1" in (error.where or "") or error.code == "registry.bad-address"
    assert 10 < len(error.message) < 500
    assert error.message.isprintable()
    assert "token-" not in repr(error.as_json())


@pytest.mark.parametrize("name", PULLS)
def test_pulling(name: str) -> None:
    pulled(*PULLS[name])


@pytest.mark.parametrize("name", BROKEN_PULLS)
def test_pulling_over_a_line_that_broke(name: str) -> None:
    pulled(*BROKEN_PULLS[name], faults.truncated(1_000_000, path=digests.of(LARGE)))


@pytest.mark.parametrize("name", PUSHES)
def test_pushing(name: str) -> None:
    make, expected = PUSHES[name]
    auth = Bearer()
    with Registry() as other, Registry(auth=auth) as registry:
        SUBJECT.put(registry.storage, NAME)
        registry.storage.put_blob("team/base", LARGE[:100])
        fault = make(World(auth, other))
        registry.faults.append(fault)
        try:
            push(whole(registry.host))
        except BootworthyError as error:
            judge(error, expected)
            assert registry.storage.manifest(NAME, "v1") is None or "manifest" in name
        else:
            assert expected == WHOLE
            assert registry.storage.blob(NAME, digests.of(LARGE)) == LARGE
            found = registry.storage.manifest(NAME, "v1")
            assert found is not None
            assert found[1].raw == IMAGE.manifest
            registry.faults.clear()
            assert [each.digest for each in whole(registry.host).referrers(SUBJECT.digest)] == [IMAGE.digest]
            assert registry.routes.uploads.open == {} or "lost" in name or "reset" in name or "forgotten" in name
        assert fault.met > 0
        assert [each.authorization for each in other.log] == [None] * len(other.log)


def test_a_redirect_to_plain_http(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path / "ca")
    with Registry([faults.downgraded(path=BLOBS)], tls=authority.server()) as registry:
        registry.storage.put_blob(NAME, LARGE)
        with pytest.raises(BootworthyError) as caught:
            client(registry.host, ca=authority.ca).fetch(described(LARGE), io.BytesIO())
        judge(caught.value, "registry.redirect")
        sink = io.BytesIO()
        client(registry.host, ca=authority.ca).fetch(described(LARGE), sink)
        assert sink.getvalue() == LARGE


def test_every_fault_there_is_was_met() -> None:
    known = {
        name for name, each in inspect.getmembers(faults, inspect.isfunction)
        if not name.startswith("_") and get_type_hints(each).get("return") is Fault
    }  # fmt: skip
    text = Path(__file__).read_text()
    assert {name for name in known - {"changed"} if f"faults.{name}(" not in text} == set()
