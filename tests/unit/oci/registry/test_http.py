from __future__ import annotations

import gzip
import io
import itertools
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import BinaryIO

import pytest

from bootworthy.errors import BootworthyError, CredentialsError, IntegrityError, NetworkError
from bootworthy.host.progress import Quiet
from bootworthy.oci.registry.address import Address, Origin, Plain
from bootworthy.oci.registry.backoff import Limits
from bootworthy.oci.registry.http import Ask, Http, HttpReply
from bootworthy.oci.registry.problems import refusal
from bootworthy.oci.registry.words import clean, said
from tests.answering import Answer, Answering, Asked

NOW = 1_700_000_000.0


class Notes(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


@dataclass
class Client:
    """An `Http` that does not wait, and remembers how long it would have."""

    pauses: list[float] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    limits: Limits = field(default_factory=Limits)
    environ: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        limits = replace(self.limits, sleep=self.pauses.append, now=lambda: NOW)
        self.http = Http(Plain.of(["registry.lan:5000"]), environ=self.environ, limits=limits, progress=self.notes)

    def get(self, server: Answering, target: str = "/", method: str = "GET", **options: object) -> HttpReply:
        authorise = options.pop("authorise", lambda _: None)
        ask = Ask(method, Address.parse(f"http://{server.host}{target}"), **options)  # type: ignore[arg-type]
        return self.http.send(ask, authorise)  # type: ignore[arg-type]


def scripted(*answers: Answer) -> Callable[[Asked], Answer]:
    """One answer after the other; the last one stays."""
    following = itertools.chain(answers, itertools.repeat(answers[-1]))
    return lambda _: next(following)


OK: Answer = (200, {}, b"hello")


def hang_up(send: Callable[[bytes], object]) -> None:
    """Nothing at all."""


@dataclass
class Text:
    """A body that can be sent again."""

    text: bytes
    size: int
    opened: int = 0

    def open(self) -> BinaryIO:
        self.opened += 1
        return io.BytesIO(self.text)


def test_bytes_come_as_they_were_sent() -> None:
    packed = gzip.compress(b"content" * 100)
    with Answering(scripted((200, {"Content-Encoding": "gzip", "X-Mixed-Case": "v"}, packed))) as server:
        with Client().get(server) as reply:
            assert (reply.status, reply.headers["x-mixed-case"]) == (200, "v")
            assert reply.read(1000) == packed
        assert server.asked[0].headers["accept-encoding"] == "identity"
        assert server.asked[0].headers["user-agent"].startswith("bootworthy/")


def test_a_body_comes_in_pieces_of_a_size() -> None:
    content = bytes(range(256)) * 4096
    with Answering(scripted((200, {}, content))) as server, Client().get(server) as reply:
        pieces = list(reply.stream(1000))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 1000


def test_no_more_is_read_than_was_allowed() -> None:
    with Answering(scripted((200, {}, b"x" * 100))) as server:
        with Client().get(server) as reply:
            assert reply.read(100) == b"x" * 100
        with Client().get(server) as reply, pytest.raises(IntegrityError) as caught:
            reply.read(99)
        assert caught.value.code == "registry.too-large"


@pytest.mark.parametrize(
    ("head", "body", "words"),
    [
        ("Content-Length: 10", b"12345", "5 bytes are missing"),
        ("Transfer-Encoding: chunked", b"5\r\n12345\r\n", "in the middle"),
        ("Transfer-Encoding: chunked", b"5\r\n12345\r\n8\r\n12", "in the middle"),
        ("Transfer-Encoding: chunked", b"5\r\n12345\r\nzz\r\n", "in the middle"),
    ],
)
def test_a_body_that_breaks_off_is_told_and_what_came_stands(head: str, body: bytes, words: str) -> None:
    message = f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body
    got = b""
    with (
        Answering(lambda _: lambda send: send(message)) as server,
        Client().get(server) as reply,
        pytest.raises(NetworkError) as caught,
    ):
        for piece in reply.stream():
            got += piece
    assert caught.value.code == "registry.broken"
    assert words in str(caught.value)
    assert got.startswith(b"12345")


def test_bytes_beyond_the_announced_length_are_no_part_of_the_body_nor_of_the_next() -> None:
    begun = threading.Event()

    def more(send: Callable[[bytes], object]) -> None:
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        begun.wait(60)
        send(b"67890HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    with Answering(scripted(more, OK)) as server:
        client = Client()
        with client.get(server) as reply:
            pieces = reply.stream()
            got = next(pieces)
            begun.set()
            assert got + b"".join(pieces) == b"1234567890"
        with client.get(server) as reply:
            assert reply.read(100) == b"hello"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [200, 204, 404])
def test_a_connection_is_used_again(method: str, status: int) -> None:
    with Answering(scripted((status, {}, b"" if status == 204 else b"text"))) as server:
        client = Client()
        for _ in range(3):
            client.get(server, method=method).close()
        assert len({ask.client for ask in server.asked}) == 1


def test_what_is_left_of_a_large_body_is_not_waited_for() -> None:
    with Answering(scripted((200, {}, b"x" * (8 << 20)), OK)) as server:
        client = Client()
        with client.get(server) as reply:
            assert next(reply.stream(10)) == b"x" * 10
        with client.get(server) as reply:
            assert reply.read(10) == b"hello"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520])
def test_what_may_pass_is_tried_again_with_longer_and_longer_pauses(status: int) -> None:
    with Answering(scripted(*[(status, {}, b"busy")] * 3, OK)) as server:
        client = Client()
        with client.get(server) as reply:
            assert (reply.status, reply.sent) == (200, 4)
        assert client.pauses == [0.5, 1, 2]
        with client.get(server, accept={status}) as reply:
            assert reply.sent == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 416, 501, 505, 507])
def test_what_will_not_change_is_not_tried_again(status: int) -> None:
    with Answering(scripted((status, {"Retry-After": "1"}, b""))) as server:
        client = Client()
        with client.get(server) as reply:
            assert (reply.status, reply.sent) == (status, 1)
        assert client.pauses == []
        assert len(server.asked) == 1


def test_trying_again_ends() -> None:
    with Answering(scripted((503, {}, b""))) as server:
        client = Client()
        with client.get(server) as reply:
            assert (reply.status, reply.sent) == (503, 6)
        assert client.pauses == [0.5, 1, 2, 4, 8]
        assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("header", "pause"), [("7", 7), (formatdate(NOW + 20, usegmt=True), 20), ("5000", 60), ("0", 0), ("soon", 0.5)]
)
def test_a_registry_says_how_long_to_wait(header: str, pause: float) -> None:
    with Answering(scripted((429, {"Retry-After": header}, b""), OK)) as server:
        client = Client()
        client.get(server).close()
        assert client.pauses == [pause]
        wanted = [f"{server.host} answered 429; waiting {pause:.0f} s"] if pause > 5 else []
        assert client.notes.notes == wanted


def test_what_is_not_idempotent_is_sent_again_only_when_it_was_not_looked_at() -> None:
    for status, times in ((503, 6), (429, 6), (500, 1), (502, 1), (408, 1)):
        with Answering(scripted((status, {}, b""))) as server:
            Client().get(server, method="POST", idempotent=False).close()
            assert len(server.asked) == times
    with Answering(scripted(hang_up)) as server:
        with pytest.raises(NetworkError):
            Client().get(server, method="POST", idempotent=False)
        assert len(server.asked) == 1


def test_a_connection_that_breaks_is_tried_again() -> None:
    with Answering(scripted(hang_up, hang_up, OK)) as server:
        client = Client()
        with client.get(server) as reply:
            assert reply.read(10) == b"hello"
        assert client.pauses == [0.5, 1]
    with Answering(scripted(hang_up)) as server:
        client = Client()
        with pytest.raises(NetworkError) as caught:
            client.get(server, "/v2/?sig=hidden")
        assert caught.value.code == "registry.unreachable"
        assert "the other side closed it" in str(caught.value)
        assert caught.value.where == f"http://{server.host}/v2/"
        assert len(server.asked) == 6


def test_what_is_not_http_is_said() -> None:
    with Answering(lambda _: lambda send: send(b"SSH-2.0-OpenSSH_9.2\r\n")) as server:
        with pytest.raises(NetworkError) as caught:
            Client().get(server)
        assert "not HTTP" in str(caught.value)
        assert "SSH" not in str(caught.value)


def test_nobody_is_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = Client()
    with pytest.raises(NetworkError) as caught:
        client.http.send(Ask("POST", Address.parse(f"http://127.0.0.1:{port}/"), idempotent=False))
    assert caught.value.code == "registry.unreachable"
    assert "connection refused" in str(caught.value)
    assert client.pauses == [0.5, 1]
    with pytest.raises(NetworkError) as caught:
        client.http.send(Ask("GET", Address.parse("https://nothing.invalid/")))
    assert "the name 'nothing.invalid' leads to no address" in str(caught.value)


@pytest.mark.parametrize("part", ["status", "headers", "body", "chunks"])
def test_a_slow_drip_is_given_up(part: str) -> None:
    before = {
        "status": b"HTTP/1.1 2",
        "headers": b"HTTP/1.1 200 OK\r\nX: ",
        "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    }[part]

    def drip(send: Callable[[bytes], object]) -> None:
        send(before)
        for _ in range(1000):
            send(b"0")
            if server.stopping.wait(0.01):
                return

    with Answering(lambda _: drip) as server:
        client = Client(limits=Limits(window=0.2, tries=2))
        with pytest.raises(NetworkError) as caught, client.get(server) as reply:
            reply.read(10**6)
        assert "it came too slowly" in str(caught.value)


@pytest.mark.parametrize(("before", "answer", "idle"), [(b"", 0.1, 60), (b"HTTP/1.1 200 OK\r\n", 60, 0.1)])
def test_silence_is_given_up(before: bytes, answer: float, idle: float) -> None:
    def stall(send: Callable[[bytes], object]) -> None:
        send(before)
        server.stopping.wait(60)

    with Answering(lambda _: stall) as server:
        with pytest.raises(NetworkError) as caught:
            Client(limits=Limits(answer=answer, idle=idle, tries=2)).get(server)
        assert "nothing came in time" in str(caught.value)
        server.stopping.set()


def test_a_slow_reader_is_not_taken_for_a_slow_sender() -> None:
    now = 0.0
    content = b"x" * 5000
    with Answering(scripted((200, {}, content))) as server:
        client = Client(limits=Limits(clock=lambda: now))
        with client.get(server) as reply:
            got = b""
            for piece in reply.stream(1):
                got += piece
                now += 1000
    assert got == content


def test_a_redirect_is_followed_for_reading_alone() -> None:
    for status, method, followed in (
        (301, "GET", True), (302, "HEAD", True), (303, "GET", True), (307, "GET", True), (308, "HEAD", True),
        (303, "POST", False), (302, "PUT", False), (307, "PUT", True), (308, "PATCH", True),
    ):  # fmt: skip
        with Answering(lambda ask, s=status: (s, {"Location": "/b"}, b"") if ask.path == "/a" else OK) as server:  # type: ignore[misc]
            body = Text(b"12345", 5) if method in {"PUT", "PATCH"} else None
            with Client().get(server, "/a", method, body=body) as reply:
                assert reply.status == (200 if followed else status)
                assert reply.url == f"http://{server.host}/{'b' if followed else 'a'}"
            if body is not None:
                assert [ask.body for ask in server.asked] == [b"12345"] * len(server.asked)
            with Client().get(server, "/a", accept={status}) as reply:
                assert reply.headers["location"] == "/b"


def test_no_credential_goes_along_to_another_host() -> None:
    def authorise(origin: Origin) -> str | None:
        return "Bearer mine" if origin.port == first.port else None

    own = {"Cookie": "c", "Proxy-Authorization": "p", "Range": "bytes=1-"}
    with (
        Answering(scripted(OK)) as other,
        Answering(lambda ask: (307, {"Location": f"http://{other.host}/x"}, b"") if ask.path == "/a" else OK) as first,
    ):
        Client().get(first, "/a", headers=own, authorise=authorise).close()
        assert first.asked[0].authorization == "Bearer mine"
        assert first.asked[0].headers["cookie"] == "c"
        assert not {"authorization", "cookie", "proxy-authorization"} & set(other.asked[0].headers)
        assert other.asked[0].headers["range"] == "bytes=1-"


def test_a_redirect_back_gets_its_credentials_again() -> None:
    def authorise(origin: Origin) -> str | None:
        return "Bearer mine" if origin.port == first.port else None

    with (
        Answering(lambda _: (302, {"Location": f"http://{first.host}/end"}, b"")) as other,
        Answering(lambda ask: (302, {"Location": f"http://{other.host}/"}, b"") if ask.path == "/a" else OK) as first,
    ):
        Client().get(first, "/a", authorise=authorise).close()
        assert [ask.authorization for ask in first.asked] == ["Bearer mine"] * 2
        assert [ask.authorization for ask in other.asked] == [None]


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("/a", "registry.redirect"),
        ("http://far.example/x", "registry.plain-http"),
        ("file:///etc/passwd", "registry.bad-address"),
        ("http://me:pw@127.0.0.1/", "registry.bad-address"),
    ],
)
def test_a_redirect_that_leads_nowhere_good_is_refused(location: str, code: str) -> None:
    with Answering(scripted((302, {"Location": location}, b""))) as server:
        client = Client()
        with pytest.raises(NetworkError) as caught:
            client.get(server, "/a")
        assert caught.value.code == code
        assert len(server.asked) == (11 if location == "/a" else 1)
        assert client.pauses == []


def test_a_body_is_sent_anew_for_each_try() -> None:
    body = Text(b"x" * 200000, 200000)
    with Answering(scripted((503, {}, b""), hang_up, OK)) as server:
        Client().get(server, method="PUT", body=body).close()
        assert [ask.body for ask in server.asked] == [body.text] * 3
        assert body.opened == 3
        assert "transfer-encoding" not in server.asked[0].headers
        Client().get(server, method="POST", body=b"raw").close()
        Client().get(server, method="POST").close()
        assert [(ask.body, ask.headers["content-length"]) for ask in server.asked[3:]] == [(b"raw", "3"), (b"", "0")]


def test_a_body_of_another_size_than_announced_is_told() -> None:
    with Answering(scripted(OK)) as server:
        with pytest.raises(IntegrityError) as caught:
            Client().get(server, method="PUT", body=Text(b"123", 5))
        assert caught.value.code == "registry.body-changed"
        Client().get(server, method="PUT", body=Text(b"12345", 3)).close()
        assert server.asked[-1].body == b"123"


def test_a_proxy_is_asked_in_the_place_of_the_registry() -> None:
    with Answering(scripted(OK)) as proxy:
        environ = {"HTTP_PROXY": f"http://me:hunter2@{proxy.host}"}
        client = Client(environ=environ)
        client.http.send(Ask("GET", Address.parse("http://registry.lan:5000/v2/?a=b"))).close()
        client.get(proxy, "/direct").close()
        first, second = proxy.asked
        assert first.target == "http://registry.lan:5000/v2/?a=b"
        assert first.headers["host"] == "registry.lan:5000"
        assert first.headers["proxy-authorization"] == "Basic bWU6aHVudGVyMg=="
        assert (second.target, "proxy-authorization" in second.headers) == ("/direct", False)


def test_a_proxy_that_refuses_or_is_not_there_is_told_without_its_password() -> None:
    with Answering(scripted((407, {}, b""))) as proxy:
        environ = {"HTTP_PROXY": f"http://me:hunter2@{proxy.host}", "HTTPS_PROXY": f"http://me:hunter2@{proxy.host}"}
        client = Client(environ=environ)
        address = Address.parse("http://registry.lan:5000/")
        error: BootworthyError = refusal(client.http.send(Ask("GET", address)).status, address, "", registry="r")
        assert isinstance(error, CredentialsError)
        assert error.code == "registry.proxy-denied"
    for scheme in ("http", "https"):
        with pytest.raises(NetworkError) as caught:
            client.http.send(Ask("GET", Address.parse(f"{scheme}://registry.lan:5000/")))
        assert caught.value.code == "registry.unreachable"
        assert proxy.host in str(caught.value)
        assert "hunter2" not in repr(caught.value) + repr(client.http)


def test_the_words_of_a_registry_are_cleaned_and_cut() -> None:
    raw = b'{"errors": [{"code": "DENIED", "message": "no\\u001b[31m\\nway\\u202e \\u00e9"}]}'
    assert said(raw) == "DENIED: no [31m way é"
    assert said(b'{"error": "invalid_grant", "error_description": "d"}') == "invalid_grant: d"
    for nothing in (b"", b"<html>", b"[]", b'{"errors": []}', b'{"errors": [5]}', b"[" * 100000, b"\xff"):
        assert said(nothing) == ""
    assert len(clean("word " * 1000)) == 300
