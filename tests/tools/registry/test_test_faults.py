"""Each fault of the test registry is what it says, seen by a client that does nothing about it."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import time
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.registry import Authority, Bearer, Registry, Ways, content, digest_of, faults
from tests.registry.faults import Fault
from tests.registry.raw import Got, ask

BLOB = bytes(range(256)) * 400
TARGET = f"/v2/a/blobs/{digest_of(BLOB)}"
MANIFEST = "/v2/a/manifests/v1"


def first(fault: Fault, target: str = TARGET, **headers: str) -> Got:
    """The first answer of a registry with a fault; the second is sound."""
    with filled(fault) as registry:
        got = ask(registry.base, "GET", target, headers=headers, timeout=5)
        assert fault.met == 1
        if fault.times == 1:
            assert ask(registry.base, "GET", TARGET).body == BLOB
        return got


def filled(*given: Fault, folder: Path | None = None) -> Registry:
    """A registry with a blob and an image."""
    registry = Registry(given, folder=folder)
    registry.storage.put_blob("a", BLOB)
    content.image().put(registry.storage, "a", "v1")
    return registry


@pytest.mark.parametrize("in_files", [False, True])
def test_bodies_end_early(in_files: bool, tmp_path: Path) -> None:
    with filled(faults.truncated(70000), folder=tmp_path if in_files else None) as registry:
        got = ask(registry.base, "GET", TARGET)
        assert (got.body, got.whole, got["content-length"]) == (BLOB[:70000], False, "102400")
    with filled(faults.reset(70000), folder=tmp_path if in_files else None) as registry, pytest.raises(ConnectionError):
        ask(registry.base, "GET", TARGET)


def test_no_answer_comes() -> None:
    for fault, error in (
        (faults.reset_before(), ConnectionResetError),
        (faults.broken(), ConnectionResetError),
        (faults.closed_before(), http.client.RemoteDisconnected),
    ):
        with pytest.raises(error):
            first(fault)


@pytest.mark.parametrize("at", [None, 0, 1000])
def test_silence(at: int | None) -> None:
    with filled(faults.stalled(at)) as registry, pytest.raises(TimeoutError):
        ask(registry.base, "GET", TARGET, timeout=0.3)


def test_wrong_bytes_of_the_right_length() -> None:
    got = first(faults.wrong_bytes(at=-1))
    assert (len(got.body), got.body[:-1], got.body[-1]) == (len(BLOB), BLOB[:-1], BLOB[-1] ^ 1)
    assert first(faults.other_bytes(b"x")).body == b"x"
    assert first(faults.slow(50000, 0.01)).body == BLOB


def test_lengths_that_lie() -> None:
    got = first(faults.wrong_length(10))
    assert (got["content-length"], got.body, got.whole) == (str(len(BLOB) + 10), BLOB, False)
    got = first(faults.wrong_length(-10))
    assert (got.body, got.whole) == (BLOB[:-10], True)
    got = first(faults.no_length())
    assert (got.body, got.headers.get("content-length")) == (BLOB, None)
    got = first(faults.longer(1000))
    assert (got.body, got.whole) == (BLOB + bytes(1000), True)
    assert first(faults.endless(1 << 20)).body == BLOB + bytes(1 << 20)


def test_what_is_too_short_leaves_its_rest_for_the_next_answer() -> None:
    with filled(faults.wrong_length(-10)) as registry, socket.create_connection(registry.host.split(":")) as raw:  # type: ignore[arg-type]
        raw.settimeout(5)
        request = f"GET {TARGET} HTTP/1.1\r\nHost: {registry.host}\r\n\r\n".encode()
        raw.sendall(request + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        answers = b"".join(iter(lambda: raw.recv(65536), b""))
        assert BLOB + b"HTTP/1.1 200" in answers


def test_encodings() -> None:
    got = first(faults.gzipped())
    assert (got["content-encoding"], gzip.decompress(got.body)) == ("gzip", BLOB)
    got = first(faults.gzipped(truly=False))
    assert (got["content-encoding"], got.body) == ("gzip", BLOB)


def test_headers() -> None:
    assert first(faults.wrong_digest(), MANIFEST)["docker-content-digest"] == "sha256:" + "0" * 64
    assert "docker-content-digest" not in first(faults.no_digest(), MANIFEST).headers
    assert first(faults.warned("soon gone"))["warning"] == '299 - "soon gone"'


def test_statuses() -> None:
    got = first(faults.status(429, "TOOMANYREQUESTS", retry_after=3))
    assert (got.status, got["retry-after"]) == (429, "3")
    date = "Fri, 31 Dec 1999 23:59:59 GMT"
    assert first(faults.status(503, retry_after=date))["retry-after"] == date
    assert first(faults.page(502)).body == b"<html>Bad Gateway</html>"
    fault = faults.status(500, first=2, times=2)
    with filled(fault) as registry:
        assert [ask(registry.base, "GET", TARGET).status for _ in range(5)] == [200, 500, 500, 200, 200]
        assert fault.met == 2
        assert ask(registry.base, "HEAD", TARGET).status == 200


def test_ranges() -> None:
    got = first(faults.range_ignored(), Range="bytes=10-")
    assert (got.status, got.body) == (200, BLOB)
    got = first(faults.wrong_range(), Range="bytes=10-19")
    assert (got.status, got["content-range"], got.body) == (206, "bytes 11-19/102400", BLOB[11:20])
    got = first(faults.lying_range(), Range="bytes=10-19")
    assert (got["content-range"], got.body) == ("bytes 0-0/1", BLOB[10:20])


def test_redirects() -> None:
    with filled() as other:
        with filled(faults.redirected(other.base)) as registry:
            got = ask(registry.base, "GET", TARGET)
            assert (got.status, got["location"]) == (307, other.base + TARGET)
            secret = {"Authorization": "Bearer x"}
            assert ask(other.base, "GET", got["location"], headers=secret).body == BLOB
            assert other.log[-1].authorization == "Bearer x"
        with filled(faults.redirect_loop()) as registry:
            got = ask(registry.base, "GET", TARGET)
            assert urljoin(registry.base, got["location"]) == registry.base + TARGET
            assert ask(registry.base, "GET", TARGET).status == 307
        assert first(faults.redirected_to("/elsewhere", 302))["location"] == "/elsewhere"


def test_downgrade(tmp_path: Path) -> None:
    authority = Authority.make(tmp_path)
    with Registry([faults.downgraded()], tls=authority.server()) as registry:
        got = ask(registry.base, "GET", TARGET, tls=ssl.create_default_context(cafile=authority.ca))
        assert got["location"] == f"http://{registry.host}{TARGET}"


def test_a_token_ends_in_the_middle() -> None:
    auth = Bearer()
    with Registry([faults.revoked_midway(auth, 1000), faults.revoked(auth, first=2)], auth=auth) as registry:
        registry.storage.put_blob("a", BLOB)

        def token() -> dict[str, str]:
            got = ask(registry.base, "GET", "/token?service=x&scope=repository:a:pull")
            return {"Authorization": f"Bearer {json.loads(got.body)['token']}"}

        headers = token()
        got = ask(registry.base, "GET", TARGET, headers=headers)
        assert (got.body, got.whole) == (BLOB[:1000], False)
        assert ask(registry.base, "GET", TARGET, headers=headers).status == 401


def test_uploads_break_off_and_what_came_is_kept() -> None:
    with Registry([faults.reset_upload(70000)]) as registry:
        where = urljoin(registry.base, ask(registry.base, "POST", "/v2/a/blobs/uploads/")["location"])
        with pytest.raises(ConnectionError):
            ask("", "PATCH", where, BLOB)
        got = ask("", "GET", where)
        assert (got.status, got["range"]) == (204, "0-69999")
        assert ask("", "PUT", f"{where}?digest={digest_of(BLOB)}", BLOB[70000:]).status == 201


def test_uploads_lose_bytes_and_are_forgotten() -> None:
    with Registry([faults.lost_bytes(3), faults.upload_forgotten(first=3)]) as registry:
        where = urljoin(registry.base, ask(registry.base, "POST", "/v2/a/blobs/uploads/")["location"])
        got = ask("", "PATCH", where, b"abcdef", headers={"Content-Range": "0-5"})
        assert (got.status, got["range"]) == (202, "0-2")
        assert [ask("", "GET", where).status for _ in range(3)] == [204, 404, 204]


@pytest.mark.parametrize("ordered", [True, False])
def test_a_chunk_is_refused(ordered: bool) -> None:
    with Registry([faults.chunk_refused(first=2)], ways=Ways(ordered=ordered)) as registry:
        where = urljoin(registry.base, ask(registry.base, "POST", "/v2/a/blobs/uploads/")["location"])
        for span, status, reached in (("0-2", 202, "0-2"), ("3-5", 416, "0-2"), ("3-5", 202, "0-5")):
            got = ask("", "PATCH", where, b"abc", headers={"Content-Range": span})
            assert (got.status, got["range"], urljoin(where, got["location"])) == (status, reached, where)


def test_mounts_are_ignored_or_refused() -> None:
    with filled(faults.mount_ignored(), faults.mount_refused(first=2)) as registry:
        target = f"/v2/b/blobs/uploads/?mount={digest_of(BLOB)}&from=a"
        assert [ask(registry.base, "POST", target).status for _ in range(3)] == [202, 403, 201]


def test_a_subject_is_not_acknowledged() -> None:
    with filled(faults.no_subject()) as registry:
        registry.storage.put_blob("a", b"{}")
        raw = content.artifact(content.image().manifest, content.MANIFEST, "x/y")
        got = [
            ask(registry.base, "PUT", "/v2/a/manifests/note", raw, headers={"Content-Type": content.MANIFEST})
            for _ in range(2)
        ]
        assert ["oci-subject" in each.headers for each in got] == [False, True]


def test_tags_that_do_not_end_well() -> None:
    def links(fault: Fault) -> tuple[list[str], str]:
        with filled(fault) as registry:
            got = ask(registry.base, "GET", "/v2/a/tags/list?n=1")
            return json.loads(got.body)["tags"], got.headers.get("link", "")

    assert links(faults.repeated_tags()) == (["v1", "v1"], "")
    assert links(faults.looping_tags()) == (["v1"], '</v2/a/tags/list?n=1>; rel="next"')
    assert links(faults.endless_tags())[1] == '</v2/a/tags/list?at=1>; rel="next"'
    assert links(faults.foreign_page("http://127.0.0.1:1"))[1].startswith("<http://127.0.0.1:1/v2/a/tags/list")


def test_documents_that_nobody_should_read_to_their_end() -> None:
    with Registry(ways=Ways(negotiates=False)) as registry:
        kept = registry.storage
        makers = (content.put_nested, content.put_huge, content.put_deep, content.put_schema_1)
        for maker in makers:
            digest = maker(kept, "a", maker.__name__)
            got = ask(registry.base, "GET", f"/v2/a/manifests/{maker.__name__}")
            assert digest_of(got.body) == digest == got["docker-content-digest"]
        depth, digest = 0, kept.repository("a").tags["put_nested"]
        while inner := kept.repository("a").manifests[digest].fields.get("manifests"):
            depth, digest = depth + 1, inner[0]["digest"]
        assert depth == 100
        assert len(kept.repository("a").manifests[kept.repository("a").tags["put_huge"]].raw) > 10_000_000


def test_a_registry_ends_with_connections_open() -> None:
    with filled(faults.stalled(10)) as registry:
        idle = socket.create_connection(("127.0.0.1", int(registry.host.split(":")[1])))
        hanging = socket.create_connection(("127.0.0.1", int(registry.host.split(":")[1])))
        hanging.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: {registry.host}\r\n\r\n".encode())
        assert hanging.recv(12) == b"HTTP/1.1 200"
        while registry.connections < 2:
            time.sleep(0.01)
    with idle, hanging:
        assert idle.recv(1) == b""


def test_what_crashes_in_the_registry_fails_the_test() -> None:
    def crash(request: object, proceed: object) -> None:
        raise ZeroDivisionError

    with (
        pytest.raises(ZeroDivisionError),
        Registry([Fault(crash)]) as registry,  # type: ignore[arg-type]
        pytest.raises(http.client.RemoteDisconnected),
    ):
        ask(registry.base, "GET", "/v2/")
