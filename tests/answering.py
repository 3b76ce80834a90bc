"""A web server on loopback that answers as a test says, and remembers what it was asked.

    with Answering(lambda ask: (200, {}, b"hello")) as server:
        ...                                     # ask http://127.0.0.1:{server.port}/
        assert server.asked[0].headers["accept-encoding"] == "identity"
"""  # fmt: skip

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    target: str
    """As it stands in the request line: a whole address, when it was sent to a proxy."""
    headers: Mapping[str, str]
    """Keys are lower-case."""
    body: bytes
    client: int
    """The port it came from: the same for the requests of one connection."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def authorization(self) -> str | None:
        return self.headers.get("authorization")


Raw = Callable[[Callable[[bytes], object]], object]
"""Sends what it likes, headers and all, and the connection is closed after it."""
Answer = tuple[int, Mapping[str, str], bytes] | Raw


class Answering:
    """The server; it lives as long as the `with` block."""

    def __init__(
        self, answer: Callable[[Asked], Answer], *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
    ) -> None:
        self.asked: list[Asked] = []
        self.stopping = threading.Event()
        asked, name = self.asked, address

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _do(self) -> None:
                headers = {key.lower(): value for key, value in self.headers.items()}
                body = self.rfile.read(int(headers.get("content-length", "0")))
                ask = Asked(self.command, self.path, headers, body, self.client_address[1])
                asked.append(ask)
                said = answer(ask)
                if callable(said):
                    said(self.wfile.write)
                    self.close_connection = True
                    return
                status, fields, content = said
                self.send_response(status)
                for key, value in {"Content-Length": str(len(content)), **fields}.items():
                    self.send_header(key, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _do  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that goes away is what many tests are about."""

        self._server = Server((address, 0), Handler)
        self.port: int = self._server.server_address[1]
        self.host = f"{name}:{self.port}"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()
