"""Where a registry is: names into addresses, and which addresses may be spoken to by plain http."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from bootworthy.errors import NetworkError

HUB = "docker.io"
_HUB_HOST = "registry-1.docker.io"
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?", re.ASCII)
_PRINTED = re.compile(r"[\x21-\x7e]+", re.ASCII)
_LONGEST = 16384


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port. Credentials for one are for no other."""

    scheme: str
    host: str
    """Lower-case; an IPv6 address has no brackets."""
    port: int

    @property
    def authority(self) -> str:
        """`host`, or `host:port` when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether what is sent there stays on this machine."""
        return is_loopback(self.host)

    def plain(self) -> Origin:
        """The same host by plain http; https' own port becomes http's."""
        return replace(self, scheme="http", port=_PORTS["http"] if self.port == _PORTS["https"] else self.port)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class Address:
    """A whole address."""

    origin: Origin
    target: str
    """Path and query."""

    @classmethod
    def parse(cls, text: str, base: Address | None = None) -> Address:
        """An http or https address; a relative one is completed from `base`.

        Raises:
            NetworkError: `registry.bad-address`.
        """
        if not _PRINTED.fullmatch(text) or len(text) > _LONGEST:
            raise _bad(text, "it has characters that no address has, or too many")
        try:
            parts = urlsplit(text if base is None else urljoin(base.url, text))
            port = parts.port
        except ValueError:
            raise _bad(text, "its host or port cannot be read") from None
        host = (parts.hostname or "").lower()
        if parts.scheme not in _PORTS:
            raise _bad(text, "it is neither https nor http")
        if parts.username is not None or parts.password is not None:
            raise _bad(text, "it carries a user name")
        if not (_HOST.fullmatch(host) or (":" in host and _ip(host))) or port == 0:
            raise _bad(text, "its host or port cannot be read")
        query = f"?{parts.query}" if parts.query else ""
        origin = Origin(parts.scheme, host, port or _PORTS[parts.scheme])
        return cls(origin, (parts.path or "/") + query)

    @property
    def url(self) -> str:
        """The address as it is sent. It may be signed, so it is not for messages."""
        return f"{self.origin}{self.target}"

    def __str__(self) -> str:
        """The address as it may be shown: without its query, where signatures and tokens are."""
        return f"{self.origin}{self.target.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Plain:
    """Which hosts may be spoken to by plain http: loopback, and those that a person named."""

    named: frozenset[str] = frozenset()
    """`host:port`, lower-case; without a port it is 80."""

    @classmethod
    def of(cls, names: Iterable[str]) -> Plain:
        """The rule for the names of the settings."""
        return cls(frozenset(name.lower().removesuffix(":80") for name in names))

    def allows(self, origin: Origin) -> bool:
        """Whether this host and port may be spoken to without TLS."""
        return origin.loopback or origin.plain().authority in self.named

    def check(self, address: Address) -> Address:
        """The address itself, if we may speak to it.

        Raises:
            NetworkError: `registry.plain-http`.
        """
        if address.origin.scheme == "https" or self.allows(address.origin):
            return address
        raise NetworkError(
            "registry.plain-http", "an address by plain http: anybody on the way could read and change what is sent",
            where=str(address), hint=f"if you trust the network, {trust_hint(address.origin)}",
        )  # fmt: skip


def trust_hint(origin: Origin) -> str:
    """How to allow plain http for a host."""
    return f'name it in settings.toml: `[registries]`, `insecure = ["{origin.plain().authority}"]`'


def origin_of(registry: str) -> Origin:
    """Where a registry is, by the name that stands in references; by https until somebody finds otherwise.

    Raises:
        NetworkError: `registry.bad-address`.
    """
    return Address.parse(f"https://{_HUB_HOST if registry == HUB else registry}/").origin


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, 127.0.0.0/8, ::1."""
    if host.removesuffix(".") == "localhost":
        return True
    found = _ip(host)
    return found is not None and found.is_loopback


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _bad(text: str, why: str) -> NetworkError:
    shown = text.partition("?")[0].rpartition("@")[2]
    return NetworkError("registry.bad-address", f"{shown[:160]!r} is no address of a registry: {why}")
