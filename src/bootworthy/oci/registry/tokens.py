"""Bearer tokens: where a registry sends us for one, and how long it lasts (token.md and oauth.md of distribution)."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from bootworthy.errors import CredentialsError, IntegrityError, NetworkError
from bootworthy.oci.registry import problems
from bootworthy.oci.registry.address import Address
from bootworthy.oci.registry.credentials import Credentials
from bootworthy.oci.registry.http import Ask, Http, HttpReply
from bootworthy.oci.registry.secret import Secret
from bootworthy.oci.registry.wire import Body
from bootworthy.oci.registry.words import words_of

_CLIENT = "bootworthy"
_LIFE = 60.0
"""Seconds that a token lasts of which nothing is said."""
_MARGIN = 10.0
_LONGEST = 1 << 20
_SENDABLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_NO_POST = frozenset({404, 405})

Hide = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Service:
    """Who gives tokens for a registry."""

    realm: Address
    service: str | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    secret: Secret
    asked: float
    until: float


_Key = tuple[Service, tuple[str, ...], str]


class Tokens:
    """The tokens of one registry. Threads may share it; one of them asks, the others get what it got."""

    def __init__(self, http: Http, registry: str, hide: Hide, keep: Callable[[Secret], None]) -> None:
        self._http = http
        self._registry = registry
        self._hide = hide
        self._keep = keep
        self._tokens: dict[_Key, _Token] = {}
        self._refreshed: dict[Secret, Secret] = {}
        self._lock = threading.Lock()

    def get(
        self, service: Service, scopes: Sequence[str], credentials: Credentials | None, *,
        since: float | None = None, stale: Secret | None = None,
    ) -> Secret:  # fmt: skip
        """A token that is still good for a while; never the `stale` one, nor one had before `since` by our clock.

        Raises:
            CredentialsError: `registry.denied`.
            NetworkError: the service cannot be asked, or its answer cannot be read: `registry.bad-token`.
        """
        key = (service, merged(scopes), credentials.source if credentials else "")
        with self._lock:
            known = self._tokens.get(key)
            asked = self._http.limits.clock()
            fresh = known and known.secret != stale and (since is None or known.asked >= since)
            if known and fresh and asked < known.until:
                return known.secret
            reply = self._ask(service, key[1], credentials)
            with reply:
                token = self._read(reply, asked, credentials)
            self._tokens = {old: kept for old, kept in self._tokens.items() if asked < kept.until} | {key: token}
            return token.secret

    def _ask(self, service: Service, scopes: Sequence[str], credentials: Credentials | None) -> HttpReply:
        realm = self._http.plain.check(service.realm)
        if credentials and credentials.identity:
            identity = self._refreshed.get(credentials.identity, credentials.identity)
            reply = self._post(realm, service.service, scopes, identity)
            if reply.status not in _NO_POST or not credentials.username:
                return self._judged(reply, credentials)
            reply.close()
        query = [("service", service.service)] if service.service else []
        query += [("scope", scope) for scope in scopes]
        login = None
        if credentials and credentials.username:
            login = basic(credentials)
            query.append(("account", credentials.username))
            self._keep(Secret(login.reveal().partition(" ")[2]))
        joint = "&" if "?" in realm.target else "?"
        address = Address(realm.origin, realm.target + (joint + urlencode(query, quote_via=quote) if query else ""))

        def authorise(origin: object) -> str | None:
            return login.reveal() if login and origin == realm.origin else None

        return self._judged(self._http.send(Ask("GET", address), authorise), credentials)

    def _post(self, realm: Address, service: str | None, scopes: Sequence[str], identity: Secret) -> HttpReply:
        form = {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": identity.reveal()}
        form |= {"service": service} if service else {}
        form |= {"scope": " ".join(scopes)} if scopes else {}
        body: Body | bytes = urlencode(form).encode()
        # A redirect would carry the token in the body to whoever it names.
        accept = frozenset({*range(200, 300), 307, 308})
        return self._http.send(
            Ask("POST", realm, {"Content-Type": "application/x-www-form-urlencoded"}, body, accept=accept)
        )

    def _judged(self, reply: HttpReply, credentials: Credentials | None) -> HttpReply:
        if 200 <= reply.status < 300:
            return reply
        with reply:
            words = words_of(reply, self._hide)
        if reply.status in {400, 401, 403}:
            who = f"the credentials from {credentials.source}" if credentials else "anybody without credentials"
            raise CredentialsError(
                "registry.denied", f"{self._registry} gives no token to {who}" + (f": {words}" if words else ""),
                where=str(reply.address), hint=f"log in again: skopeo login {self._registry}",
            )  # fmt: skip
        raise problems.refusal(
            reply.status, reply.address, words, registry=f"the token service of {self._registry}",
            sent=reply.sent, asked=reply.asked,
        )  # fmt: skip

    def _read(self, reply: HttpReply, asked: float, credentials: Credentials | None) -> _Token:
        try:
            document = json.loads(reply.read(_LONGEST))
        except (ValueError, RecursionError, IntegrityError):
            document = None
        fields = document if isinstance(document, dict) else {}
        token = fields.get("token") or fields.get("access_token")
        if not isinstance(token, str) or not _SENDABLE.fullmatch(token):
            raise NetworkError(
                "registry.bad-token", f"the token service of {self._registry} answered without a token",
                where=str(reply.address),
            )  # fmt: skip
        secret = Secret(token)
        self._keep(secret)
        refreshed = fields.get("refresh_token")
        if credentials and credentials.identity and isinstance(refreshed, str) and refreshed:
            self._keep(Secret(refreshed))
            self._refreshed[credentials.identity] = Secret(refreshed)
        life = fields.get("expires_in")
        seconds = float(life) if isinstance(life, (int, float)) and not isinstance(life, bool) and life > 0 else _LIFE
        return _Token(secret, asked, asked + seconds - min(_MARGIN, seconds / 2))


def basic(credentials: Credentials) -> Secret:
    """User and password as a value of `Authorization` (RFC 7617)."""
    login = f"{credentials.username}:{credentials.password.reveal()}"
    return Secret("Basic " + base64.b64encode(login.encode()).decode())


def merged(scopes: Iterable[str]) -> tuple[str, ...]:
    """Scopes in order, those of one thing as one: `repository:a:pull` and `repository:a:push` are `...:pull,push`."""
    actions: dict[str, set[str]] = {}
    for scope in scopes:
        thing, colon, wanted = scope.rpartition(":")
        if not colon:
            actions.setdefault(scope, set())
        else:
            actions.setdefault(thing, set()).update(wanted.split(","))
    return tuple(
        f"{thing}:{','.join(sorted(wanted))}" if wanted else thing for thing, wanted in sorted(actions.items())
    )
