"""Connections that cannot be made to wait for ever: a sender that stalls or drips is given up.

A socket's time-out holds for one read, so a byte a second would never meet it. What is read here is measured beneath
`http.client`, so that status line, headers, chunks and body all count; the time in which we do something else does not.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from bootworthy.oci.registry.backoff import Limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class DrippingError(TimeoutError):
    """Bytes come, but too slowly."""


class _Paced(io.RawIOBase):
    """The bytes of one answer, as they come from the socket."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, limits: Limits) -> None:
        self._raw = raw
        self._socket = sock
        self._limits = limits
        self._begun = False
        self._waited = 0.0
        self._got = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        before = self._limits.clock()
        count = self._raw.readinto(buffer)
        if not self._begun:  # the wait for the first byte has a limit of its own
            self._begun = True
            self._socket.settimeout(self._limits.idle)
            return count
        self._waited += self._limits.clock() - before
        self._got += count or 0
        if self._waited >= self._limits.window and count:
            if self._got < self._limits.floor:
                raise DrippingError(f"{self._got} bytes in {self._waited:.0f} s")
            self._waited, self._got = 0.0, 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedResponse(http.client.HTTPResponse):
    limits: Limits

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Paced(raw, sock, self.limits))


def paced_pools(chosen: Limits) -> dict[str, type[HTTPConnectionPool]]:
    """The kinds of connection pool, by scheme, that keep these limits."""

    class Response(_PacedResponse):
        limits = chosen

    class Plain(HTTPConnection):
        response_class = Response

        def connect(self) -> None:
            super().connect()
            self.sock.settimeout(chosen.idle)

    class Secure(HTTPSConnection):
        response_class = Response

        def connect(self) -> None:
            try:
                super().connect()
            except (ConnectionError, TimeoutError) as error:  # there is a connection, but no handshake
                raise ssl.SSLError(0, f"the handshake broke off ({error.strerror or 'time is up'})") from error
            self.sock.settimeout(chosen.idle)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
