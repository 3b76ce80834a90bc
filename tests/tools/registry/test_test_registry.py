"""The test registry is one: what others push there and pull from there comes through, and in its old ways it answers as
docker-registry does."""  # fmt: skip

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.registry import (
    PUBLIC,
    Authority,
    Basic,
    Bearer,
    Location,
    Registry,
    State,
    Ways,
    content,
    digest_of,
    docker_registry,
)
from tests.registry.raw import Got, ask

EMPTY = b"{}"
LONG = digest_of(b"512", "sha512")
OTHER = "sha256:" + "1" * 64


def put_manifest(base: str, name: str, reference: str, raw: bytes, media_type: str = content.MANIFEST) -> Got:
    return ask(base, "PUT", f"/v2/{name}/manifests/{reference}", raw, headers={"Content-Type": media_type})


def put_blob(base: str, name: str, blob: bytes, digest: str | None = None) -> Got:
    begun = ask(base, "POST", f"/v2/{name}/blobs/uploads/")
    assert begun.status == 202, begun
    target = urljoin(f"{base}/v2/{name}/blobs/uploads/", begun["location"])
    target += ("&" if "?" in target else "?") + f"digest={digest or digest_of(blob)}"
    return ask(base, "PUT", target, blob, headers={"Content-Type": "application/octet-stream"})


def seeded(base: str, name: str, *tags: str) -> content.Small:
    """A small image, pushed with plain requests."""
    small = content.image()
    for blob in (small.layer, small.config):
        assert put_blob(base, name, blob).status == 201
    for tag in tags:
        assert put_manifest(base, name, tag, small.manifest).status == 201
    return small


def code(got: Got) -> str | None:
    """The first error of an answer."""
    try:
        return str(json.loads(got.body)["errors"][0]["code"])
    except (ValueError, KeyError, TypeError):
        return None


def facts(got: Got, *headers: str) -> tuple[object, ...]:
    """What two registries should answer alike."""
    return (got.status, code(got), *(got.headers.get(name) for name in headers))


def reading(base: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Questions about what is there, and their answers."""
    small = seeded(base, "a/one", "v1", "v2", "v3")
    accept = {"Accept": content.MANIFEST}
    layer, size = digest_of(small.layer), len(small.layer)
    yield "base", facts(ask(base, "GET", "/v2/"), "docker-distribution-api-version")
    for method in ("GET", "HEAD"):
        for reference in ("v1", small.digest):
            got = ask(base, method, f"/v2/a/one/manifests/{reference}", headers=accept)
            yield f"{method} {reference}", facts(got, "docker-content-digest", "content-type", "content-length")
        got = ask(base, method, f"/v2/a/one/blobs/{layer}")
        yield f"{method} blob", facts(got, "docker-content-digest", "content-type", "content-length")
        yield f"{method} no blob", facts(ask(base, method, f"/v2/a/one/blobs/{OTHER}"))
        yield f"{method} blob of another", facts(ask(base, method, f"/v2/a/two/blobs/{layer}"))
        yield f"{method} no manifest", facts(ask(base, method, "/v2/a/one/manifests/none", headers=accept))
        yield (
            f"{method} not accepted",
            facts(ask(base, method, "/v2/a/one/manifests/v1", headers={"Accept": content.DOCKER_MANIFEST})),
        )
        yield f"{method} all accepted", facts(ask(base, method, "/v2/a/one/manifests/v1", headers={"Accept": "*/*"}))
        yield f"{method} nothing accepted", facts(ask(base, method, "/v2/a/one/manifests/v1"))
    for wanted in ("bytes=5-", "bytes=5-9", f"bytes=5-{size + 100}", f"bytes={size}-", "bytes=-7", "bytes=9-5"):
        got = ask(base, "GET", f"/v2/a/one/blobs/{layer}", headers={"Range": wanted})
        yield wanted, (*facts(got, "content-range"), got.body if got.status < 300 else None)
    for query in ("", "?n=2", "?n=2&last=v1"):
        got = ask(base, "GET", f"/v2/a/one/tags/list{query}")
        yield f"tags{query}", (*facts(got, "link"), json.loads(got.body))
    yield "short digest", facts(ask(base, "GET", "/v2/a/one/blobs/sha256:12"))
    yield "wrong method", facts(ask(base, "POST", "/v2/a/one/tags/list"))[:1]
    yield "no tags", facts(ask(base, "GET", "/v2/a/none/tags/list"))
    yield "bad name", facts(ask(base, "GET", "/v2/A/tags/list"))
    yield "nothing", (ask(base, "GET", "/v2/a/one/nothing").status,)


def begin(base: str, name: str = "b/one") -> str:
    """Where an upload goes."""
    return urljoin(f"{base}/v2/{name}/blobs/uploads/", ask(base, "POST", f"/v2/{name}/blobs/uploads/")["location"])


def patched(where: str, got: Got) -> str:
    """Where the next chunk goes."""
    return urljoin(where, got["location"])


def finish(where: str, digest: str, body: bytes = b"") -> Got:
    """The last request of an upload."""
    return ask("", "PUT", f"{where}{'&' if '?' in where else '?'}digest={digest}", body)


def patch(where: str, piece: bytes | list[bytes], span: str | None = None) -> Got:
    headers = {"Content-Type": "application/octet-stream", **({"Content-Range": span} if span else {})}
    return ask("", "PATCH", where, piece, headers=headers)


def uploading(base: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Chunks in order and out of it, and the answers."""
    got = ask(base, "POST", "/v2/b/one/blobs/uploads/")
    yield "begun", facts(got, "range")
    where = urljoin(f"{base}/v2/b/one/blobs/uploads/", got["location"])
    for span, piece in (("0-3", b"abcd"), ("4-7", b"efgh")):
        got = patch(where, piece, span)
        yield f"chunk {span}", facts(got, "range")
        where = patched(where, got)
    yield "upload", facts(ask(base, "GET", where), "range")
    yield "put", facts(finish(where, digest_of(b"abcdefgh")), "docker-content-digest")
    yield "content", (ask(base, "GET", f"/v2/b/one/blobs/{digest_of(b'abcdefgh')}").body,)
    where = begin(base)
    for wrong in ("5-8", "0-3", "nonsense", "4-9", None):
        got = patch(where, b"abcd", wrong)
        yield f"chunk of {wrong}", facts(got, "range")
        where = patched(where, got)
    yield "chunk in chunks", facts(patch(begin(base), [b"ab", b"cd"]), "range")
    stale = begin(base)
    newest = patch(stale, b"abcd")["location"]
    yield "stale chunk", facts(patch(stale, b"abcd"))
    yield "stale question", facts(ask(base, "GET", stale))
    yield "cancelled", facts(ask(base, "DELETE", newest))
    yield "cancelled already", facts(ask(base, "DELETE", newest))
    yield "put without digest", facts(ask(base, "PUT", begin(base), b""))


def writing(base: str) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Things pushed and deleted, and the answers."""
    small = seeded(base, "b/one", "v1")
    layer = digest_of(small.layer)
    got = put_blob(base, "b/one", b"512", LONG)
    yield "sha512", facts(got, "docker-content-digest")
    yield "wrong digest", facts(put_blob(base, "b/one", b"1", OTHER))
    yield "no digest", facts(put_blob(base, "b/one", b"1", "nonsense"))
    got = ask(base, "POST", f"/v2/b/two/blobs/uploads/?mount={layer}&from=b/one")
    yield "mount", facts(got, "docker-content-digest")
    yield "mounted", facts(ask(base, "HEAD", f"/v2/b/two/blobs/{layer}"))
    yield "no mount", facts(ask(base, "POST", f"/v2/b/two/blobs/uploads/?mount={OTHER}&from=b/one"), "range")
    yield "sha512 mounted", facts(ask(base, "POST", f"/v2/b/two/blobs/uploads/?mount={LONG}&from=b/one"))
    yield "mount of any", facts(ask(base, "POST", f"/v2/b/five/blobs/uploads/?mount={layer}"))
    for method in ("GET", "HEAD"):
        got = ask(base, method, f"/v2/b/one/blobs/{LONG}")
        yield f"{method} sha512", (*facts(got, "docker-content-digest"), got.body)
    yield "sha512 manifest", facts(put_manifest(base, "b/one", digest_of(small.manifest, "sha512"), small.manifest))
    yield "whole", facts(ask(base, "POST", f"/v2/b/one/blobs/uploads/?digest={digest_of(b'x')}", b"x"), "range")
    yield "no upload", facts(ask(base, "GET", "/v2/b/one/blobs/uploads/none"))
    yield from uploading(base)
    got = put_manifest(base, "b/one", "v2", small.manifest)
    yield "manifest", facts(got, "docker-content-digest", "oci-subject")
    yield "wrong manifest digest", facts(put_manifest(base, "b/one", OTHER, small.manifest))
    yield "no manifest", facts(put_manifest(base, "b/one", "v3", b"{"))
    yield "missing blobs", facts(put_manifest(base, "b/three", "v1", small.manifest))
    lost = content.index(content.descriptor(b"lost", content.MANIFEST))
    yield "missing manifests", facts(put_manifest(base, "b/one", "v4", lost, content.INDEX))
    huge = content.image(annotations={"filler": "x" * (5 << 20)}).manifest
    yield "huge", facts(put_manifest(base, "b/one", "huge", huge))
    yield "no manifest type", facts(put_manifest(base, "b/one", "v5", small.manifest, content.INDEX))
    found = content.index(content.descriptor(small.manifest, content.MANIFEST), artifactType="application/x")
    yield "index", facts(put_manifest(base, "b/one", "v5", found, content.INDEX))
    assert put_blob(base, "b/one", EMPTY).status == 201
    note = content.artifact(small.manifest, content.MANIFEST, "application/x-note")
    yield "artifact", facts(put_manifest(base, "b/one", digest_of(note), note), "oci-subject")
    yield "referrers", (ask(base, "GET", f"/v2/b/one/referrers/{small.digest}").status,)
    yield "untag", (ask(base, "DELETE", "/v2/b/one/manifests/v2").status,)
    for _ in range(2):
        yield "delete", facts(ask(base, "DELETE", f"/v2/b/one/manifests/{small.digest}"))
        yield "delete blob", facts(ask(base, "DELETE", f"/v2/b/one/blobs/{layer}"))
    yield "gone", facts(ask(base, "GET", "/v2/b/one/manifests/v2", headers={"Accept": content.MANIFEST}))


@pytest.mark.parametrize("talk", [reading, writing])
def test_in_its_old_ways_it_answers_as_docker_registry_does(talk, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with docker_registry(tmp_path) as theirs, Registry(old=True) as ours:
        assert list(talk(ours.base)) == list(talk(theirs.base))


def break_off(where: str, size: int, sent: bytes) -> None:
    """Begin to send a chunk, and close the connection."""
    host, _, target = where.partition("://")[2].partition("/")
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=20) as raw:
        head = f"PATCH /{target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n"
        raw.sendall(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + sent)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(4096):
            pass


def test_in_its_old_ways_an_upload_that_broke_off_is_lost(tmp_path: Path) -> None:
    with docker_registry(tmp_path) as theirs, Registry(old=True) as ours:
        for base in (theirs.base, ours.base):
            where = begin(base)
            with contextlib.suppress(ConnectionResetError):
                break_off(where, 1000, b"x" * 400)
            assert facts(ask("", "GET", where)) == (404, "BLOB_UPLOAD_INVALID")
            assert facts(patch(where, b"x" * 1000)) == (404, "BLOB_UPLOAD_INVALID")


@pytest.mark.parametrize("state", [State.NONE, State.NEWEST])
def test_what_came_before_an_upload_broke_off_is_kept(state: State) -> None:
    with Registry(ways=Ways(state=state)) as registry:
        where = begin(registry.base)
        with contextlib.suppress(ConnectionResetError):
            break_off(where, 1000, b"x" * 400)
        got = ask("", "GET", where)
        assert (got.status, got["range"]) == (204, "0-399")
        assert finish(patched(where, got), digest_of(b"x" * 1000), b"x" * 600).status == 201


@pytest.mark.parametrize("folder", [False, True])
def test_every_digest_it_gives_is_true(folder: bool, tmp_path: Path) -> None:
    with Registry(folder=tmp_path if folder else None) as registry:
        small = seeded(registry.base, "a", "v1")
        got = put_blob(registry.base, "a", b"512", LONG)
        assert (got.status, got["docker-content-digest"]) == (201, LONG)
        for reference in ("v1", small.digest):
            got = ask(registry.base, "GET", f"/v2/a/manifests/{reference}")
            assert (got.body, got["docker-content-digest"]) == (small.manifest, small.digest)
        got = ask(registry.base, "GET", f"/v2/a/blobs/{LONG}", headers={"Range": "bytes=1-"})
        assert (got.status, got.body, got["content-range"]) == (206, b"12", "bytes 1-2/3")
        own = digest_of(small.manifest, "sha512")
        assert put_manifest(registry.base, "a", own, small.manifest)["docker-content-digest"] == own
        assert ask(registry.base, "GET", f"/v2/a/manifests/{own}").body == small.manifest
    assert (tmp_path / "blobs" / "sha512").is_dir() is folder
    assert list(tmp_path.glob("uploads/*")) == []


def test_chunks_keep_their_order() -> None:
    with Registry() as registry:
        where = begin(registry.base)
        where = patched(where, patch(where, b"abcd", "0-3"))
        for span in ("0-3", "5-8", "4-8", "nonsense"):
            got = patch(where, b"efgh", span)
            assert (got.status, got["range"]) == (416, "0-3")
            where = patched(where, got)
        assert ask(registry.base, "GET", where)["range"] == "0-3"
        where = patched(where, patch(where, [b"ef", b"gh"]))
        assert finish(where, OTHER).status == 400
        assert ask(registry.base, "GET", where).status == 404
        got = ask(registry.base, "POST", f"/v2/a/blobs/uploads/?digest={LONG}", b"512")
        assert (got.status, got["docker-content-digest"]) == (201, LONG)


@pytest.mark.parametrize("location", Location)
def test_only_the_newest_location_works(location: Location) -> None:
    with Registry(ways=Ways(location=location, state=State.NEWEST, min_chunk=4)) as registry:
        got = ask(registry.base, "POST", "/v2/b/one/blobs/uploads/")
        assert got["oci-chunk-min-length"] == "4"
        assert got["location"].startswith({"ABSOLUTE": "http:", "ROOTED": "/v2/", "RELATIVE": "upload-"}[location.name])
        first = urljoin(f"{registry.base}/v2/b/one/blobs/uploads/", got["location"])
        second = patched(first, patch(first, b"abcd", "0-3"))
        assert patch(first, b"efgh", "4-7").status == 404
        third = patched(second, ask(registry.base, "GET", first))
        fourth = patched(third, patch(third, b"ef", "4-5"))
        fifth = patched(fourth, patch(fourth, b"ghij", "6-9"))  # what came before was small, so it was the last
        assert ask(registry.base, "GET", fifth)["range"] == "0-5"
        assert finish(patched(fifth, ask(registry.base, "GET", fifth)), digest_of(b"abcdef")).status == 201


def test_tags_come_in_pages() -> None:
    with Registry(ways=Ways(page=3)) as registry:
        seeded(registry.base, "a", "v1", "v2", "v3", "v4", "v5")
        target, pages = "/v2/a/tags/list?n=2", []
        while target:
            got = ask(registry.base, "GET", target)
            pages.append(json.loads(got.body)["tags"])
            target = got.headers.get("link", "").partition(">")[0][1:]
        assert pages == [["v1", "v2"], ["v3", "v4"], ["v5"]]
        assert json.loads(ask(registry.base, "GET", "/v2/a/tags/list").body)["tags"] == ["v1", "v2", "v3"]
        assert json.loads(ask(registry.base, "GET", "/v2/a/tags/list?n=0").body)["tags"] == []
        assert ask(registry.base, "DELETE", "/v2/a/manifests/v4").status == 202
        assert json.loads(ask(registry.base, "GET", "/v2/a/tags/list?last=v3").body)["tags"] == ["v5"]


def test_referrers_are_listed_and_filtered() -> None:
    with Registry(ways=Ways(page=2)) as registry:
        small = seeded(registry.base, "a", "v1")
        put_blob(registry.base, "a", EMPTY)
        target = f"/v2/a/referrers/{small.digest}"
        assert json.loads(ask(registry.base, "GET", target).body)["manifests"] == []
        for kind, note in (("x/sbom", "1"), ("x/sbom", "2"), ("x/signature", "3")):
            raw = content.artifact(small.manifest, content.MANIFEST, kind, note)
            assert put_manifest(registry.base, "a", digest_of(raw), raw)["oci-subject"] == small.digest
        first = ask(registry.base, "GET", target)
        second = ask(registry.base, "GET", first["link"].partition(">")[0][1:])
        found = [each for got in (first, second) for each in json.loads(got.body)["manifests"]]
        assert sorted(each["annotations"]["note"] for each in found) == ["1", "2", "3"]
        assert first["content-type"] == content.INDEX
        got = ask(registry.base, "GET", f"{target}?artifactType=x%2Fsignature")
        assert [each["artifactType"] for each in json.loads(got.body)["manifests"]] == ["x/signature"]
        assert got["oci-filters-applied"] == "artifactType"
        assert ask(registry.base, "GET", "/v2/a/referrers/nonsense").status == 400


def test_blobs_are_mounted_from_where_they_are() -> None:
    with Registry() as registry:
        layer = digest_of(seeded(registry.base, "a").layer)
        for target, status in ((f"mount={layer}&from=c", 202), (f"mount={layer}&from=a", 201), (f"mount={layer}", 201)):
            assert ask(registry.base, "POST", f"/v2/b{status}/blobs/uploads/?{target}").status == status
        assert ask(registry.base, "HEAD", f"/v2/b201/blobs/{layer}").status == 200


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_it_asks_who_is_there() -> None:
    with Registry(auth=Basic("me", "secret", anonymous=PUBLIC)) as registry:
        small = content.image()
        small.put(registry.storage, "a", "v1")
        assert ask(registry.base, "GET", "/v2/a/manifests/v1").status == 200
        got = ask(registry.base, "POST", "/v2/a/blobs/uploads/")
        assert (got.status, got["www-authenticate"][:5]) == (401, "Basic")
        for password, status in (("secret", 202), ("wrong", 401)):
            assert ask(registry.base, "POST", "/v2/a/blobs/uploads/", headers=basic("me", password)).status == status
        assert registry.log[-1].authorization == basic("me", "wrong")["Authorization"]


def test_its_tokens_are_good_for_what_they_say_and_end() -> None:
    auth = Bearer("me", "secret", anonymous=PUBLIC, uses=2, refresh="identity", field="access_token")
    with Registry(auth=auth) as registry:
        content.image().put(registry.storage, "a", "v1")

        def pull(token: str) -> Got:
            return ask(registry.base, "GET", "/v2/a/manifests/v1", headers={"Authorization": f"Bearer {token}"})

        got = ask(registry.base, "GET", "/v2/a/manifests/v1")
        assert got["www-authenticate"] == (
            f'Bearer realm="{registry.base}/token",service="test registry",scope="repository:a:pull"'
        )
        query = "/token?service=test%20registry&scope=repository:a:pull,push"
        assert ask(registry.base, "GET", query, headers=basic("me", "wrong")).status == 401
        token = json.loads(ask(registry.base, "GET", query).body)["access_token"]
        assert [pull(token).status for _ in range(3)] == [200, 200, 401]
        token = json.loads(ask(registry.base, "GET", query).body)["access_token"]
        got = ask(registry.base, "POST", "/v2/a/blobs/uploads/", headers={"Authorization": f"Bearer {token}"})
        assert (got.status, code(got)) == (401, "DENIED")
        assert 'error="insufficient_scope"' in got["www-authenticate"]
        form = b"grant_type=refresh_token&service=s&client_id=c&scope=repository:a:pull,push&refresh_token=identity"
        token = json.loads(ask(registry.base, "POST", "/token", form).body)["access_token"]
        assert pull(token).status == 200
        auth.revoke()
        assert pull(token).status == 401
        assert ask(registry.base, "POST", "/token", form.replace(b"identity", b"guess")).status == 401


def test_it_speaks_tls(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    with Registry(tls=authority.server(clients=True)) as registry:
        context = ssl.create_default_context(cafile=authority.ca)
        with pytest.raises(OSError):  # whichever side is the first to end it
            ask(registry.base, "GET", "/v2/", tls=context)
        context.load_cert_chain(*authority.issue("me"))
        assert ask(registry.base, "GET", "/v2/", tls=context).status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(registry.base, "GET", "/v2/", tls=ssl.create_default_context())
