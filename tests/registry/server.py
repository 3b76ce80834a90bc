"""The test registry itself: plain HTTP (or TLS) on loopback, a thread for each connection, a log of what was asked."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from http.client import responses
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any, Self

from tests.registry.auth import Auth
from tests.registry.faults import Fault, Proceed
from tests.registry.messages import PIECE, Answer, Broken, Ending, Incoming, Request, Seen
from tests.registry.routes import Routes
from tests.registry.storage import Storage
from tests.registry.ways import OLD, Ways

IDLE = 60.0
"""Seconds after which a silent connection is given up."""
_GONE = (ConnectionError, TimeoutError, ssl.SSLError)


class Registry:
    """A registry that lives as long as its `with` block.

    `faults` may be added to at any time. `folder` keeps content in files; else it is in memory. `tls` is a context for
    the server's side (`tests.registry.tls`). What goes wrong in the registry itself fails the `with` block.
    """

    def __init__(
        self, faults: Iterable[Fault] = (), *, ways: Ways | None = None, old: bool = False, auth: Auth | None = None,
        folder: Path | None = None, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        self.faults = list(faults)
        self.ways = ways or (OLD if old else Ways())
        self.auth = auth
        self.tls = tls
        self.storage = Storage(folder)
        self.routes = Routes(self.storage, self.ways, self._may_pull)
        self.log: list[Seen] = []
        self.crashes: list[BaseException] = []
        self.peak = 0
        """The most requests that were answered at one time."""
        self.connections = 0
        """How many were made."""
        self.stopping = threading.Event()
        self._busy = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server = _Server((address, 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="registry", daemon=True)
        self.host = f"{address}:{self._server.server_address[1]}"
        """What a reference begins with."""
        self.base = f"{'https' if tls else 'http'}://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join(10)
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        if self.crashes and error is None:
            raise self.crashes[0]
        for crash in self.crashes:
            assert error is not None
            error.add_note(f"The registry crashed, too: {crash!r}")

    def asked(self, method: str, part: str = "") -> list[Seen]:
        """The requests of a method whose target has some words in it."""
        return [each for each in list(self.log) if each.method == method and part in each.target]

    def answer(self, request: Request) -> Answer:
        """What a request gets, faults included."""
        return self._through(self._guarded, request, outside=True)

    def _guarded(self, request: Request) -> Answer:
        if self.auth is not None:
            service = self.auth.service(request)
            if service is not None:
                return self._through(lambda _: service, request, outside=False)
            if refused := self.auth.refusal(request):
                return refused
        return self._through(self.routes.answer, request, outside=False)

    def _through(self, proceed: Proceed, request: Request, *, outside: bool) -> Answer:
        for fault in [each for each in list(self.faults) if each.outside is outside and each.meets(request)]:
            proceed = fault.around(proceed)
        return proceed(request)

    def _may_pull(self, request: Request, name: str) -> bool:
        return self.auth is None or self.auth.may_pull(request, name)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """One request more is being answered."""
        with self._lock:
            self._busy += 1
            self.peak = max(self.peak, self._busy)
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    def opened(self, connection: socket.socket) -> None:
        """A connection to end when the registry does."""
        with self._lock:
            self._open.add(connection)
            if self.stopping.is_set():
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def closed(self, connection: socket.socket) -> None:
        """That connection is no more."""
        with self._lock:
            self._open.discard(connection)


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], registry: Registry) -> None:
        self.registry = registry
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        """Without the look-up of a name that http.server makes."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nobody reads what is printed here; a broken connection is daily bread, anything else is ours."""
        import sys

        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, _GONE):
            self.registry.crashes.append(error)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE
    server: _Server

    def setup(self) -> None:
        self.registry = self.server.registry
        self.registry.connections += 1
        self.request.settimeout(IDLE)
        if self.registry.tls is None:
            self.registry.opened(self.request)
        else:
            # Known before it has shaken hands, which a client may never do.
            tls = self.registry.tls.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
            self.request = tls
            self.registry.opened(tls)
            try:
                tls.do_handshake()
            except OSError:
                self.registry.closed(tls)
                tls.close()
                raise
        super().setup()

    def finish(self) -> None:
        super().finish()
        self.registry.closed(self.request)
        if self.registry.tls is not None:
            self.request.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def _do(self) -> None:
        headers = {key.lower(): ", ".join(self.headers.get_all(key, ())) for key in self.headers}
        body = Incoming(self.rfile, headers)
        scheme = "https" if self.registry.tls else "http"
        base = f"{scheme}://{headers.get('host', self.registry.host)}"
        request = Request(self.command, self.path, headers, body, base)
        with self.registry.at_work():
            try:
                answer = self.registry.answer(request)
                drained = body.drain()
            except Broken as broken:
                self._note(request, 0)
                self._end(Ending.RESET if broken.reset else Ending.CLOSE)
                return
            self._note(request, 0 if answer.manner.silent else answer.status)
            if not drained and answer.manner.ending is Ending.KEEP:
                answer = replace(answer, manner=replace(answer.manner, ending=Ending.CLOSE))
            self._send(request, answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _do  # noqa: N815

    def _note(self, request: Request, status: int) -> None:
        self.registry.log.append(
            Seen(request.method, request.target, request.headers, status, request.body.received)
        )  # fmt: skip

    def _send(self, request: Request, answer: Answer) -> None:
        manner = answer.manner
        if not manner.silent:
            head = self._head(answer)
            bare = request.method == "HEAD" or answer.status in {204, 304}
            if bare or not answer.size or manner.cut == 0:
                self.wfile.write(head + (b"0\r\n\r\n" if manner.chunked and not bare and manner.cut is None else b""))
            else:
                self._send_body(head, answer)
        self._end(manner.ending)

    def _head(self, answer: Answer) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, 'Unknown')}"]
        lines += [f"{key}: {value}" for key, value in answer.headers]
        if answer.manner.chunked:
            lines.append("Transfer-Encoding: chunked")
        elif answer.status != 204:
            lines.append(f"Content-Length: {max(0, answer.size + answer.manner.length_off)}")
        if answer.manner.ending is not Ending.KEEP:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send_body(self, head: bytes, answer: Answer) -> None:
        manner = answer.manner
        end = answer.size if manner.cut is None else min(manner.cut, answer.size)
        if isinstance(answer.body, Path) and not (manner.chunked or manner.step or manner.extra or self.registry.tls):
            self.wfile.write(head)
            self._send_file(answer.body, answer.start, answer.start + end)
            return
        content = memoryview(answer.content)
        step = manner.step or (PIECE if manner.chunked else max(1, end))
        for at in range(0, end, step):
            piece = content[at : min(end, at + step)]
            if manner.chunked:
                self.wfile.write(head + b"%x\r\n" % len(piece) + piece + b"\r\n")
            elif len(piece) < PIECE:
                self.wfile.write(head + piece)
            else:
                self.wfile.write(head)
                self.wfile.write(piece)
            head = b""
            if manner.pause and self.registry.stopping.wait(manner.pause):
                return
        self._send_zeros(manner.extra, chunked=manner.chunked)
        if manner.chunked and manner.cut is None:
            self.wfile.write(b"0\r\n\r\n")

    def _send_zeros(self, left: int, *, chunked: bool) -> None:
        while left > 0 and not self.registry.stopping.is_set():
            piece = b"\0" * min(PIECE, left)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            left -= len(piece)

    def _send_file(self, path: Path, start: int, stop: int) -> None:
        with path.open("rb") as file:
            file.seek(start)
            while start < stop:
                sent = self.connection.sendfile(file, start, stop - start)
                if not sent:
                    raise AssertionError(f"{path} is shorter than it was")
                start += sent

    def _end(self, ending: Ending) -> None:
        if ending is Ending.KEEP:
            return
        self.close_connection = True
        if ending is Ending.HANG:
            self._hang()
        elif ending is Ending.RESET:
            # A lingering time of zero makes close() send RST (socket(7)).
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def _hang(self) -> None:
        """Until the other side says or closes something, or the registry ends."""
        self.connection.settimeout(0.05)
        while not self.registry.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                self.connection.recv(1)
                return
