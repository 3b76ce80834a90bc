"""TLS against servers whose certificates openssl made: whom we trust, who we are, what is never sent openly."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bootworthy.errors import BootworthyError, CredentialsError, DocumentError, NetworkError
from bootworthy.host.progress import QUIET
from bootworthy.host.settings import RegistrySettings
from bootworthy.oci.registry.address import Origin, Plain
from bootworthy.oci.registry.backoff import Limits
from bootworthy.oci.registry.http import Http
from bootworthy.oci.registry.open import open_registry
from bootworthy.oci.registry.session import Session
from bootworthy.oci.registry.trust import Trust
from bootworthy.oci.registry.wire import Wire
from tests.answering import Answering
from tests.needs import need
from tests.registry import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    need("openssl")
    return Authority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure(authority: Authority) -> Iterator[Answering]:
    with Answering(lambda _: (200, {}, b"content"), tls=authority.server()) as server:
        yield server


def wire(registry: str, ca: Path | None = None, environ: Mapping[str, str] | None = None, **options: object) -> Wire:
    limits = Limits(**{"sleep": lambda _: None, **options})  # type: ignore[arg-type]
    settings = RegistrySettings(("registry.lan:5000",), ca)
    return open_registry(registry, settings, limits=limits, environ={"XDG_RUNTIME_DIR": "/none", **(environ or {})})


def pull(registry: Wire) -> bytes:
    with registry.request("GET", "/v2/x/manifests/v1") as reply:
        assert reply.url.startswith("https://")
        return reply.read(100)


def test_an_authority_of_the_settings_is_trusted(authority: Authority, secure: Answering) -> None:
    assert pull(wire(secure.host, authority.ca)) == b"content"
    assert pull(wire(f"localhost:{secure.port}", authority.ca)) == b"content"


def test_a_bundle_of_the_environment_is_trusted_in_the_place_of_the_systems(
    authority: Authority, secure: Answering
) -> None:
    assert pull(wire(secure.host, environ={"SSL_CERT_FILE": str(authority.ca)})) == b"content"


def test_anybody_else_is_not_trusted_and_not_asked_again_nor_in_the_open(
    authority: Authority, secure: Answering, tmp_path: Path
) -> None:
    other = Authority.make(tmp_path / "other")
    before = len(secure.asked)
    pauses: list[float] = []
    for ca in (None, other.ca):
        with pytest.raises(NetworkError) as caught:
            pull(wire(secure.host, ca, sleep=pauses.append))
        assert caught.value.code == "registry.untrusted"
        assert "ca = " in str(caught.value.hint)
    assert (len(secure.asked), pauses) == (before, [])
    tls = other.server("DNS:elsewhere.example")
    with Answering(lambda _: (200, {}, b""), tls=tls) as server, pytest.raises(NetworkError) as caught:
        pull(wire(server.host, other.ca))
    assert caught.value.code == "registry.untrusted"
    assert "127.0.0.1" in str(caught.value)


def trusting(registry: str, *folders: Path) -> Session:
    trust = Trust(folders=folders)
    return Session(registry, Http(Plain(), trust, limits=Limits(sleep=lambda _: None)), lambda *_: None, QUIET)


def test_certificates_of_a_host_are_found_in_its_folder(
    authority: Authority, secure: Answering, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    own = second / secure.host
    own.mkdir(parents=True)
    shutil.copy(authority.ca, own / "any.crt")
    assert pull(trusting(secure.host, first, second)) == b"content"
    with pytest.raises(NetworkError):
        pull(trusting(f"localhost:{secure.port}", first, second))
    (first / secure.host).mkdir(parents=True)
    with pytest.raises(NetworkError):
        pull(trusting(secure.host, first, second))


def test_a_folder_without_a_port_is_for_that_of_https(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "registry.example").mkdir()
    trust = Trust(bundle=authority.ca, folders=[tmp_path])
    other = Authority.make(tmp_path / "other")
    shutil.copy(other.ca, tmp_path / "registry.example/ca.crt")
    assert len(trust.context(Origin("https", "registry.example", 443)).get_ca_certs()) == 2
    assert len(trust.context(Origin("https", "registry.example", 5000)).get_ca_certs()) == 1


def test_the_folders_are_those_of_containers_and_docker() -> None:
    trust = Trust.of(None, {"HOME": "/h"})
    assert [str(folder) for folder in trust.folders] == [
        "/h/.config/containers/certs.d", "/etc/containers/certs.d", "/etc/docker/certs.d",
    ]  # fmt: skip


def test_we_show_our_certificate_to_the_host_it_is_for(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("client")
    with Answering(lambda _: (200, {}, b"content"), tls=authority.server(clients=True)) as server:
        own = tmp_path / server.host
        own.mkdir()
        shutil.copy(authority.ca, own / "ca.crt")
        with pytest.raises(NetworkError) as caught:
            pull(trusting(server.host, tmp_path))
        assert caught.value.code == "registry.unreachable"
        shutil.copy(certificate, own / "client.cert")
        with pytest.raises(DocumentError) as document:
            pull(trusting(server.host, tmp_path))
        assert "client.key is not beside it" in document.value.problems[0].message
        shutil.copy(key, own / "client.key")
        assert pull(trusting(server.host, tmp_path)) == b"content"


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_file_without_certificates_is_said(tmp_path: Path, content: str | None, authority: Authority) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    origin = Origin("https", "registry.example", 443)
    for trust in (Trust(ca=file), Trust(bundle=file)):
        with pytest.raises(DocumentError) as caught:
            trust.context(origin)
        assert caught.value.problems[0].where == str(file)


def test_a_redirect_to_plain_http_is_refused(authority: Authority) -> None:
    with Answering(lambda _: (200, {}, b"evil")) as plain:
        to = {"Location": f"http://{plain.host}/"}
        with Answering(lambda _: (307, to, b""), tls=authority.server()) as server:
            with pytest.raises(NetworkError) as caught:
                pull(wire(server.host, authority.ca))
            assert caught.value.code == "registry.redirect"
        assert plain.asked == []


def test_a_host_that_speaks_no_tls_and_is_not_named_is_not_asked(authority: Authority) -> None:
    with Answering(lambda _: (200, {}, b"content")) as server:
        session = trusting(server.host)
        session._settled = True  # as for a host that is not on loopback
        with pytest.raises(NetworkError) as caught:
            session.request("GET", "/v2/")
        assert "does not speak TLS" in str(caught.value)
        assert f'insecure = ["{server.host}"]' in str(caught.value.hint)
        assert server.asked == []


@contextlib.contextmanager
def tunnels(to: int, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> Iterator[tuple[int, list[str]]]:
    """A proxy that knows CONNECT, and leads to one port of this machine whatever it is asked for."""
    heads: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve(client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                if not (data := client.recv(1)):
                    return
                head += data
            heads.append(head.decode())
            client.sendall(answer)
            if b" 200 " not in answer:
                return
            with socket.create_connection(("127.0.0.1", to)) as server:
                back = threading.Thread(target=pump, args=(server, client), daemon=True)
                back.start()
                pump(client, server)
                back.join(10)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1], heads
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def test_a_proxy_sees_neither_request_nor_answer(authority: Authority) -> None:
    tls = authority.server("DNS:registry.example")
    with (
        Answering(lambda _: (200, {}, b"content"), tls=tls) as server,
        tunnels(server.port) as (port, heads),
    ):
        environ = {"HTTPS_PROXY": f"http://me:hunter2@127.0.0.1:{port}"}
        assert pull(wire("registry.example", authority.ca, environ)) == b"content"
        assert heads[0].startswith("CONNECT registry.example:443 ")
        assert "proxy-authorization: Basic bWU6aHVudGVyMg==" in heads[0]
        assert "proxy-authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "kind", "code", "tries"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", CredentialsError, "registry.proxy-denied", 1),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", NetworkError, "registry.unreachable", 3),
        (b"", NetworkError, "registry.unreachable", 3),
    ],
)
def test_a_proxy_that_does_not_lead_there_is_said(
    answer: bytes, kind: type[BootworthyError], code: str, tries: int, authority: Authority
) -> None:
    with tunnels(1, answer) as (port, heads):
        with pytest.raises(kind) as caught:
            pull(wire("registry.example", None, {"HTTPS_PROXY": f"http://me:hunter2@127.0.0.1:{port}"}))
        assert caught.value.code == code
        assert "hunter2" not in repr(caught.value)
        assert len(heads) == tries


def test_a_host_that_refuses_our_tls_is_not_asked_again_nor_in_the_open() -> None:
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    with client:
                        heard.append(client.recv(1))
                        client.sendall(bytes.fromhex("15030100020228"))  # a fatal alert: handshake failure
                        while client.recv(65536):
                            pass

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        pauses: list[float] = []
        with pytest.raises(NetworkError) as caught:
            pull(wire(f"127.0.0.1:{listening.getsockname()[1]}", sleep=pauses.append))
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert "handshake failure" in str(caught.value)
    assert (set(heard), pauses) == ({b"\x16"}, [])


def test_a_handshake_that_never_ends_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        registry = wire(f"127.0.0.1:{silent.getsockname()[1]}", connect=0.2, answer=0.2, tries=2)
        with pytest.raises(NetworkError) as caught:
            registry.request("GET", "/v2/")
        assert "nothing came in time" in str(caught.value)
