"""Proxies as people set them: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in upper or lower case."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from bootworthy.errors import DocumentError, Problem
from bootworthy.oci.registry.address import Origin
from bootworthy.oci.registry.secret import Secret


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy."""

    url: str
    """Its address, without credentials."""
    login: Secret | None = None
    """`user:password`, where it wants that."""


def proxy_for(origin: Origin, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that leads to a host, if one does; loopback is always spoken to directly.

    Raises:
        DocumentError: `registry.bad-proxy`; the value itself is not shown, it may carry a password.
    """
    if origin.loopback or _excepted(origin, _first(environ, "no_proxy")[1]):
        return None
    for name in (f"{origin.scheme}_proxy", "all_proxy"):
        variable, value = _first(environ, name)
        if value:
            return _proxy(variable, value)
    return None


def _first(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """The variable in lower case, as curl and others prefer it, or else in upper case."""
    variable = name if environ.get(name) else name.upper()
    return variable, environ.get(variable, "").strip()


def _proxy(variable: str, value: str) -> Proxy:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _bad(variable, "it cannot be read as an address") from None
    if parts.scheme not in {"http", "https"}:
        raise _bad(variable, f"proxies of kind {parts.scheme[:20]!r} are not supported, http and https ones are")
    if not host or not re.fullmatch(r"[A-Za-z0-9_.:-]+", host, re.ASCII):
        raise _bad(variable, "it names no host")
    shown = f"[{host}]" if ":" in host else host
    login = None
    if parts.username is not None:
        login = Secret(f"{unquote(parts.username)}:{unquote(parts.password or '')}")
    return Proxy(f"{parts.scheme}://{shown}:{port or (443 if parts.scheme == 'https' else 80)}", login)


def _excepted(origin: Origin, value: str) -> bool:
    return any(_covers(entry, origin) for entry in re.split(r"[\s,]+", value.lower()) if entry)


def _covers(entry: str, origin: Origin) -> bool:
    """Whether an entry of NO_PROXY means a host: `*`, a name with all below it, an address, a block of addresses."""
    if entry == "*":
        return True
    name, _, port = entry.rpartition(":") if re.search(r"(^[^:]*|\]):\d+$", entry) else (entry, "", "")
    if port and int(port) != origin.port:
        return False
    name = name.strip("[]")
    address = _address(origin.host)
    if address is not None:
        block = _block(name)
        return block is not None and address in block
    bare = name.removeprefix("*").strip(".")
    return bool(bare) and f".{origin.host.removesuffix('.')}".endswith(f".{bare}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _block(name: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None


def _bad(variable: str, message: str) -> DocumentError:
    problem = Problem(
        "registry.bad-proxy", message, variable, hint="as in http://proxy.example:3128, or http://user:password@..."
    )
    return DocumentError("registry.bad-proxy", f"the proxy of {variable} cannot be used", [problem])
