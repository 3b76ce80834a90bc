"""Who may do what: basic authentication (RFC 7617), or bearer tokens from a token service."""

from __future__ import annotations

import base64
import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import parse_qs

from tests.registry.messages import Answer, Request, as_json, problem, with_headers
from tests.registry.storage import NAME

PUBLIC = frozenset({"pull"})


class Auth(Protocol):
    """A way to ask who is there."""

    def refusal(self, request: Request) -> Answer | None:
        """The 401 that a request gets, or None when it may go on."""

    def service(self, request: Request) -> Answer | None:
        """The answer of the token service, or None where that was not asked."""

    def may_pull(self, request: Request, name: str) -> bool:
        """Whether who asks may read another repository too, as a mount needs; an empty name is any."""


def needed(request: Request) -> tuple[str, frozenset[str]] | None:
    """The repository that a request is about and what is done with it; None for `/v2/`."""
    path = request.path.removeprefix("/v2/")
    for part in ("/blobs/", "/manifests/", "/tags/", "/referrers/"):
        name, found, _ = path.rpartition(part) if part != "/blobs/" else path.partition(part)
        if found and NAME.fullmatch(name):
            if request.method in {"GET", "HEAD"} and "/blobs/uploads/" not in path:
                return name, frozenset({"pull"})
            deletes = request.method == "DELETE" and "/blobs/uploads/" not in path
            return name, frozenset({"delete"} if deletes else {"pull", "push"})
    return None


def pair(request: Request) -> tuple[str, str] | None:
    """User and password of an Authorization header."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


def unauthorized(challenge: str, code: str = "UNAUTHORIZED") -> Answer:
    """401 with a challenge."""
    answer = problem(401, code, "authentication required")
    return replace(answer, headers=with_headers(answer, www_authenticate=challenge))


@dataclass(frozen=True)
class Basic:
    """A user and a password with each request; anonymous people may do what is in `anonymous`."""

    user: str
    password: str
    anonymous: frozenset[str] = frozenset()

    def refusal(self, request: Request) -> Answer | None:
        wanted = needed(request)
        if pair(request) == (self.user, self.password):
            return None
        if pair(request) is None and wanted and wanted[1] <= self.anonymous:
            return None
        return unauthorized('Basic realm="test registry", charset="UTF-8"')

    def service(self, request: Request) -> Answer | None:
        return None

    def may_pull(self, request: Request, name: str) -> bool:
        return True


@dataclass(slots=True)
class Grant:
    """What a token is good for."""

    actions: dict[str, frozenset[str]]
    uses: int | None
    until: float


class Bearer:
    """Tokens from `/token` of the same registry, or of another one that is given the same object and named in `realm`.

    A token ends after `uses` requests (None: never), after `seconds`, or when `revoke` is called. With a user,
    anonymous people get tokens for what is in `anonymous` only; without one, for everything. `refresh` is an identity
    token that POST (OAuth 2) takes. `field` says where the token is in the answer: `token`, `access_token` or `both`.
    """

    def __init__(
        self, user: str = "", password: str = "", *, anonymous: frozenset[str] = frozenset(), uses: int | None = None,
        seconds: int = 300, refresh: str = "", field: str = "token", realm: str | None = None, expires: bool = True,
    ) -> None:  # fmt: skip
        self.user, self.password, self.anonymous = user, password, anonymous
        self.uses, self.seconds, self.refresh = uses, seconds, refresh
        self.field, self.realm, self.expires = field, realm, expires
        self.service_name = "test registry"
        self.tokens: dict[str, Grant] = {}
        self.given = 0
        """Tokens handed out so far."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def revoke(self) -> None:
        """No token is good any more."""
        with self._lock:
            self.tokens.clear()

    def refusal(self, request: Request) -> Answer | None:
        wanted = needed(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and self._use(token, wanted)
        if known is True:
            return None
        realm = self.realm or f"{request.base}/token"
        parts = [f'realm="{realm}"', f'service="{self.service_name}"']
        if wanted:
            parts.append(f'scope="repository:{wanted[0]}:{",".join(sorted(wanted[1]))}"')
        if scheme:
            parts.append(f'error="{"insufficient_scope" if known is None else "invalid_token"}"')
        return unauthorized("Bearer " + ",".join(parts), "DENIED" if known is None else "UNAUTHORIZED")

    def _use(self, token: str, wanted: tuple[str, frozenset[str]] | None) -> bool | None:
        """Whether a token is good; None when it is, but not for this."""
        with self._lock:
            grant = self.tokens.get(token)
            if grant is None or time.monotonic() >= grant.until or grant.uses == 0:
                return False
            if wanted and not wanted[1] <= grant.actions.get(wanted[0], frozenset()):
                return None
            if grant.uses is not None:
                grant.uses -= 1
            return True

    def may_pull(self, request: Request, name: str) -> bool:
        token = request.headers.get("authorization", "").partition(" ")[2]
        with self._lock:
            grant = self.tokens.get(token)
            return bool(grant and "pull" in grant.actions.get(name, frozenset()))

    def service(self, request: Request) -> Answer | None:
        if request.path != "/token":
            return None
        if request.method == "POST":
            return self._oauth(request)
        if request.method != "GET":
            return problem(405, "UNSUPPORTED")
        who = pair(request)
        if "authorization" in request.headers and (who is None or who != (self.user, self.password)):
            return unauthorized('Basic realm="test tokens"')
        return self._token(request.query.get("scope", []), known=who is not None or not self.user)

    def _oauth(self, request: Request) -> Answer:
        form = {key: values[0] for key, values in parse_qs(request.body.read().decode()).items()}
        good = {
            "refresh_token": bool(self.refresh) and form.get("refresh_token") == self.refresh,
            "password": (form.get("username"), form.get("password")) == (self.user, self.password),
        }
        if not form.get("client_id") or not form.get("service"):
            return as_json({"error": "invalid_request"}, 400)
        if not good.get(form.get("grant_type", "")):
            return as_json({"error": "invalid_grant"}, 401)
        return self._token(form.get("scope", "").split(), known=True, oauth=True)

    def _token(self, scopes: list[str], *, known: bool, oauth: bool = False) -> Answer:
        actions = {name: frozenset(asked if known else asked & self.anonymous) for name, asked in _parsed(scopes)}
        with self._lock:
            self.given += 1
            token = f"token-{next(self._numbers)}"
            self.tokens[token] = Grant(actions, self.uses, time.monotonic() + self.seconds)
        fields = ("token", "access_token") if self.field == "both" else (self.field,)
        document: dict[str, object] = dict.fromkeys(("access_token",) if oauth else fields, token)
        if oauth:
            document |= {"refresh_token": self.refresh, "scope": " ".join(scopes), "token_type": "Bearer"}
        return as_json(document | ({"expires_in": self.seconds} if self.expires else {}))


def _parsed(scopes: list[str]) -> Iterator[tuple[str, frozenset[str]]]:
    merged: dict[str, frozenset[str]] = {}
    for scope in (each for line in scopes for each in line.split()):
        kind, _, rest = scope.partition(":")
        name, _, asked = rest.rpartition(":")
        if kind == "repository":
            actions = frozenset(asked.split(","))
            merged[name] = merged.get(name, frozenset()) | (
                frozenset({"pull", "push", "delete"}) if "*" in actions else actions
            )
    return iter(merged.items())
