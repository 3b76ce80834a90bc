"""One HTTP request as it is: no redirects, no decoding, no retries."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Got:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    """Keys are in lower case."""
    body: bytes
    whole: bool = True
    """The body was as long as its header said."""

    def __getitem__(self, header: str) -> str:
        return self.headers[header]


def ask(
    base: str, method: str, target: str, body: bytes | Iterable[bytes] | None = None, *,
    headers: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None, timeout: float = 20,
) -> Got:  # fmt: skip
    """Ask an address (`http://127.0.0.1:PORT`); the target may be a whole address too. A body of pieces is chunked."""
    if "://" in target:
        parts = urlsplit(target)
        base, target = f"{parts.scheme}://{parts.netloc}", target.partition(parts.netloc)[2]
    host = base.partition("://")[2]
    if base.startswith("https"):
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, timeout=timeout, context=tls)
    else:
        connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        sent = dict(headers or {})
        if isinstance(body, bytes):
            sent.setdefault("Content-Length", str(len(body)))
        connection.request(method, target, body, sent)
        with connection.getresponse() as answer:
            found = {key.lower(): value for key, value in answer.getheaders()}
            try:
                return Got(answer.status, found, answer.read())
            except http.client.IncompleteRead as error:
                return Got(answer.status, found, error.partial, whole=False)
    finally:
        connection.close()
