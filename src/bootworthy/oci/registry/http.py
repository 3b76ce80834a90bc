"""One request over HTTP and its answer: connections, redirects, time limits, trying again. It knows no credentials."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from types import TracebackType
from typing import Any, BinaryIO, Self

import urllib3
from urllib3 import exceptions
from urllib3.response import BaseHTTPResponse

from bootworthy.errors import IntegrityError, NetworkError
from bootworthy.host.progress import QUIET, Progress
from bootworthy.oci.registry import problems
from bootworthy.oci.registry.address import Address, Origin, Plain
from bootworthy.oci.registry.backoff import Limits, Pauses, retry_after
from bootworthy.oci.registry.pace import paced_pools
from bootworthy.oci.registry.proxies import Proxy, proxy_for
from bootworthy.oci.registry.trust import Trust
from bootworthy.oci.registry.wire import OK, Body
from bootworthy.oci.registry.words import lower

_PIECE = 1 << 18
_SENT = 1 << 16
_AT_ONCE = 16
_DRAINED = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
_READING = frozenset({"GET", "HEAD"})
_OURS = frozenset({"authorization", "cookie", "proxy-authorization"})
_NOT_DONE = frozenset({429, 503})
"""Answers that say that the request was not looked at."""
_TOLD = 5.0
AGENT = f"bootworthy/{version('bootworthy')}"

Authorise = Callable[[Origin], str | None]


def nobody(_origin: Origin) -> str | None:
    """No host gets an Authorization."""
    return None


@dataclass(frozen=True, slots=True)
class Ask:
    """A request."""

    method: str
    address: Address
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | bytes | None = None
    accept: Container[int] = OK
    idempotent: bool = True


class HttpReply:
    """An answer as urllib3 has it."""

    __slots__ = ("_response", "address", "asked", "headers", "sent", "status")

    def __init__(self, response: BaseHTTPResponse, address: Address, sent: int = 1) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = lower(response.headers)
        self.address = address
        self.sent = sent
        self.asked: float | None = None

    @property
    def url(self) -> str:
        """Where the answer came from."""
        return self.address.url

    def stream(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The body in pieces, as it was sent."""
        response = self._response
        most = min(size, _PIECE)
        try:
            while response.length_remaining != 0:
                left = response.length_remaining
                piece = response.read1(most if left is None else min(most, left), decode_content=False)
                if not piece:
                    return
                yield piece
        except exceptions.HTTPError as error:
            response.close()
            raise problems.broken(error, self.address) from None

    def read(self, limit: int) -> bytes:
        """The whole body, if it has no more than `limit` bytes."""
        pieces, size = [], 0
        for piece in self.stream():
            size += len(piece)
            if size > limit:
                raise IntegrityError(
                    "registry.too-large", f"an answer of more than {limit} bytes", where=str(self.address)
                )
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Give the connection back if the body is small or read, else close it."""
        response = self._response
        left = response.length_remaining
        try:
            if left is not None and left <= _DRAINED:
                while response.length_remaining and response.read1(_DRAINED, decode_content=False):
                    pass
                response.read1(1, decode_content=False)
        except exceptions.HTTPError:
            pass
        finally:
            if response.closed:
                response.release_conn()
            else:
                response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Exactly:
    """A stream that gives as many bytes as were announced: a file may change while it is sent."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = _SENT) -> bytes:
        """The next bytes, none at the end."""
        data = self._stream.read(min(size, self._left))
        if not data and self._left:
            raise IntegrityError("registry.body-changed", f"{self._left} bytes are missing of what was to be sent")
        self._left -= len(data)
        return data


class _NoAnswerError(Exception):
    def __init__(self, trouble: problems.Trouble) -> None:
        super().__init__(str(trouble.error))
        self.trouble = trouble


@dataclass(slots=True)
class Http:
    """The way to every host that one registry leads us to. Threads may share it."""

    plain: Plain = field(default_factory=Plain)
    trust: Trust = field(default_factory=Trust)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Where proxies are looked up."""
    limits: Limits = field(default_factory=Limits)
    progress: Progress = QUIET
    _managers: dict[Origin, tuple[urllib3.PoolManager, Proxy | None]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def send(self, ask: Ask, authorise: Authorise = nobody) -> HttpReply:
        """The answer, of whatever status, after redirects and as many tries as the limits allow.

        Raises:
            NetworkError: `registry.unreachable`, `registry.untrusted`, `registry.redirect`, `registry.plain-http`.
            CredentialsError: `registry.proxy-denied`.
            DocumentError: `registry.bad-proxy`, `registry.bad-certificate`.
        """
        pauses = Pauses(self.limits)
        while True:
            try:
                reply = self._follow(ask, authorise)
            except _NoAnswerError as error:
                trouble = error.trouble
                pause = pauses.next(trouble.tries if ask.idempotent or trouble.unsent else 1)
                if pause is None:
                    raise trouble.error from None
            else:
                reply.sent = pauses.sent
                repeatable = ask.idempotent or reply.status in _NOT_DONE
                if reply.status in ask.accept or not repeatable or not problems.may_pass(reply.status):
                    return reply
                reply.asked = retry_after(reply.headers.get("retry-after"), self.limits.now())
                pause = pauses.next(self.limits.tries, reply.asked)
                if pause is None:
                    return reply
                reply.close()
                if pause > _TOLD:
                    host = reply.address.origin.authority
                    self.progress.note(f"{host} answered {reply.status}; waiting {pause:.0f} s")
            self.limits.sleep(pause)

    def speaks_tls(self, address: Address) -> bool | None:
        """Whether a host that may speak plain http speaks TLS; None when nobody is there at all."""
        try:
            self._once(Ask("GET", address), address, None).close()
        except _NoAnswerError as error:
            return error.trouble.secure
        return True

    def _follow(self, ask: Ask, authorise: Authorise) -> HttpReply:
        address = ask.address
        for _ in range(self.limits.redirects + 1):
            reply = self._once(ask, address, authorise(address.origin))
            location = reply.headers.get("location")
            if reply.status in ask.accept or reply.status not in _REDIRECTS or location is None:
                return reply
            if ask.method not in _READING and reply.status not in _SAME_METHOD:
                return reply
            reply.close()
            address = self._next(address, location)
        raise NetworkError(
            "registry.redirect", f"more than {self.limits.redirects} redirects", where=str(ask.address),
            hint="they may lead in a circle",
        )  # fmt: skip

    def _next(self, address: Address, location: str) -> Address:
        following = Address.parse(location, base=address)
        if address.origin.scheme == "https" and following.origin.scheme != "https":
            raise NetworkError(
                "registry.redirect", f"a redirect from https to plain http, to {following}", where=str(address)
            )
        return self.plain.check(following)

    def _once(self, ask: Ask, address: Address, authorization: str | None) -> HttpReply:
        manager, proxy = self._manager(address.origin)
        same = address.origin == ask.address.origin
        headers = {name: value for name, value in ask.headers.items() if same or name.lower() not in _OURS}
        # Nothing may unpack a body on the way: its digest is that of the bytes as they are stored.
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity", **headers}
        if authorization is not None:
            headers["Authorization"] = authorization
        with contextlib.ExitStack() as stack:
            body: Any = ask.body
            if body is not None and not isinstance(body, bytes):
                headers["Content-Length"] = str(body.size)
                body = _Exactly(stack.enter_context(body.open()), body.size)
            try:
                response = manager.urlopen(
                    ask.method, address.url, redirect=False, retries=False, body=body, headers=headers,
                    preload_content=False, decode_content=False,
                    timeout=urllib3.Timeout(connect=self.limits.connect, read=self.limits.answer),
                )  # fmt: skip
            except exceptions.HTTPError as error:
                found = problems.trouble(error, address, self.limits, proxy.url if proxy else None)
                raise _NoAnswerError(found) from None
        return HttpReply(response, address)

    def _manager(self, origin: Origin) -> tuple[urllib3.PoolManager, Proxy | None]:
        with self._lock:
            if origin not in self._managers:
                self._managers[origin] = self._connect(origin)
            return self._managers[origin]

    def _connect(self, origin: Origin) -> tuple[urllib3.PoolManager, Proxy | None]:
        """The connections to one host: each has its own certificates."""
        options: dict[str, Any] = {"maxsize": _AT_ONCE, "blocksize": _SENT}
        if origin.scheme == "https":
            options["ssl_context"] = self.trust.context(origin)
        proxy = proxy_for(origin, self.environ)
        manager: urllib3.PoolManager
        if proxy is None:
            manager = urllib3.PoolManager(4, **options)
        else:
            secure = self.trust.general() if proxy.url.startswith("https:") else None
            manager = urllib3.ProxyManager(
                proxy.url, 4, proxy_headers=_login(proxy), proxy_ssl_context=secure, **options
            )
        manager.pool_classes_by_scheme = paced_pools(self.limits)
        return manager, proxy


def _login(proxy: Proxy) -> dict[str, str]:
    if proxy.login is None:
        return {}
    return {"proxy-authorization": "Basic " + base64.b64encode(proxy.login.reveal().encode()).decode()}
