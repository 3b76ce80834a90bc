"""What went wrong on the way to a registry or there, as errors for people."""

from __future__ import annotations

import http
import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from urllib3 import exceptions

from bootworthy.errors import BootworthyError, CredentialsError, NetworkError, NotFoundError
from bootworthy.oci.registry.address import Address, Origin, trust_hint
from bootworthy.oci.registry.backoff import Limits
from bootworthy.oci.registry.pace import DrippingError
from bootworthy.oci.registry.words import clean

_FINAL = frozenset({501, 505, 506, 507, 508, 510, 511})
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there is no answer."""

    error: BootworthyError
    tries: int
    """How often the request may be sent in all; 1 when trying again would change nothing."""
    unsent: bool = False
    """Whether the registry cannot have seen the request."""
    secure: bool | None = None
    """Whether the host speaks TLS, as far as one can tell."""


def may_pass(status: int) -> bool:
    """Whether the same request may be answered better a little later."""
    return status in {408, 429} or (status >= 500 and status not in _FINAL)


def refusal(
    status: int, address: Address, words: str, *, registry: str, sent: int = 1, asked: float | None = None
) -> BootworthyError:
    """The error for an answer that is not the one that was asked for, except for 401 and 403."""
    where = str(address)
    told = f": {words}" if words else ""
    if status == 404:
        return NotFoundError("registry.not-found", f"{registry} has no such thing{told}", where=where)
    if status == 407:
        return _proxy_wants()
    if may_pass(status):
        hint = "try again later" if asked is None else f"it asks to be left alone for {asked:.0f} s"
        return NetworkError(
            "registry.unavailable", f"{registry} answered {_phrase(status)}, {_times(sent)}{told}",
            where=where, hint=hint,
        )  # fmt: skip
    return NetworkError("registry.refused", f"{registry} answered {_phrase(status)}{told}", where=where)


def trouble(error: exceptions.HTTPError, address: Address, limits: Limits, proxy: str | None) -> Trouble:
    """What an error of urllib3 means. Its own text is not shown: it has addresses with signatures in it."""
    where = str(address)
    if isinstance(error, exceptions.ProxyError):
        return _proxy_trouble(error, proxy or "the proxy", limits)
    if isinstance(error, exceptions.SSLError):
        return _tls_trouble(error, address, limits)
    way = f" through the proxy {proxy}" if proxy else ""
    if isinstance(error, exceptions.NameResolutionError):
        passing = isinstance(error.__cause__, socket.gaierror) and error.__cause__.errno == socket.EAI_AGAIN
        text = f"the name {(proxy or address.origin.host)!r} leads to no address" + (" just now" if passing else "")
        return Trouble(_unreachable(text, where), limits.connects if passing else 1, unsent=True)
    if isinstance(error, (exceptions.NewConnectionError, exceptions.ConnectTimeoutError)):
        # Nobody on https' own port: where plain http is allowed, its own port is the next to try.
        secure = False if address.origin == Origin("https", address.origin.host, 443) else None
        failure = _unreachable(f"no connection{way}: {_reason(error)}", where)
        return Trouble(failure, limits.connects, unsent=True, secure=secure)
    if isinstance(error, (exceptions.ReadTimeoutError, exceptions.ProtocolError)):
        return Trouble(
            _unreachable(f"the connection{way} broke off: {_reason(error)}", where), limits.tries, secure=True
        )
    return Trouble(NetworkError("registry.refused", "an answer that is not HTTP", where=where), 1)


def broken(error: exceptions.HTTPError, address: Address) -> NetworkError:
    """The error for a body that did not come whole."""
    return NetworkError("registry.broken", f"the answer broke off: {_reason(error)}", where=str(address))


def _unreachable(message: str, where: str) -> NetworkError:
    return NetworkError("registry.unreachable", message, where=where, hint="check the name, the network and the proxy")


def _reason(error: BaseException) -> str:
    """The innermost reason in a few words."""
    inner: BaseException | None = error
    while inner is not None:
        for kind, words in _REASONS:
            if isinstance(inner, kind) and not isinstance(inner, exceptions.NewConnectionError):
                return words(inner)
        deeper = inner.args[-1] if inner.args and isinstance(inner.args[-1], BaseException) else None
        inner = inner.__cause__ or deeper
    return "what came is not HTTP"


_REASONS: tuple[tuple[type[BaseException], Callable[[Any], str]], ...] = (
    (DrippingError, lambda error: f"it came too slowly ({error})"),
    (exceptions.IncompleteRead, lambda error: f"{error.expected} bytes are missing"),
    (http.client.IncompleteRead, lambda _: "it ended in the middle"),
    (http.client.RemoteDisconnected, lambda _: "the other side closed it"),
    (http.client.HTTPException, lambda _: "what came is not HTTP"),
    (exceptions.ConnectTimeoutError, lambda _: "nobody answered in time"),
    (TimeoutError, lambda _: "nothing came in time"),
    (OSError, lambda error: (error.strerror or "it failed").lower()),
)


def _tls_trouble(error: exceptions.SSLError, address: Address, limits: Limits) -> Trouble:
    inner = error.args[0] if error.args else None
    where = str(address)
    if isinstance(inner, ssl.SSLCertVerificationError):
        return Trouble(
            NetworkError(
                "registry.untrusted", f"its certificate is not to be trusted: {inner.verify_message}", where=where,
                hint="name the authority's certificate in settings.toml: `[registries]`, `ca = \"/path.pem\"`",
            ),
            1, unsent=True, secure=True,
        )  # fmt: skip
    reason: str = getattr(inner, "reason", None) or ""
    if any(word in reason for word in _NO_TLS):
        hint = f"if it speaks plain http, and you trust the network, {trust_hint(address.origin)}"
        error_ = NetworkError("registry.unreachable", "it does not speak TLS", where=where, hint=hint)
        return Trouble(error_, 1, unsent=True, secure=False)
    words = reason.lower().replace("_", " ") or (_reason(inner) if inner is not None else "it failed")
    # A handshake that was cut may be an old http server that hung up; an alert is TLS.
    cut = not reason or "EOF" in reason
    failure = _unreachable(f"no TLS connection: {words}", where)
    return Trouble(failure, limits.connects if cut else 1, unsent=True, secure=not cut)


def _proxy_trouble(error: exceptions.ProxyError, proxy: str, limits: Limits) -> Trouble:
    inner = error.original_error
    if " 407 " in f"{inner} ":
        return Trouble(_proxy_wants(), 1, unsent=True)
    words = str(inner).partition(":")[2].strip() if "Tunnel" in str(inner) else _reason(error)
    return Trouble(
        NetworkError(
            "registry.unreachable", f"the proxy {proxy} does not lead there: {clean(words)}",
            hint="check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY",
        ),
        limits.connects, unsent=True,
    )  # fmt: skip


def _proxy_wants() -> CredentialsError:
    return CredentialsError(
        "registry.proxy-denied", "the proxy wants a user and a password, or refused those it got",
        hint="they stand in the proxy's address: http://user:password@proxy.example:3128",
    )  # fmt: skip


def _phrase(status: int) -> str:
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _times(sent: int) -> str:
    return "once" if sent == 1 else f"{sent} times"
