"""One registry, authorised: the `Wire` that the rest of the room sees."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

from bootworthy.errors import CredentialsError, NetworkError
from bootworthy.host.progress import Progress
from bootworthy.oci.registry import problems
from bootworthy.oci.registry.address import Address, Origin, origin_of
from bootworthy.oci.registry.challenge import Challenge, parse
from bootworthy.oci.registry.credentials import Credentials
from bootworthy.oci.registry.http import Ask, Http, HttpReply
from bootworthy.oci.registry.secret import Secret, hide
from bootworthy.oci.registry.tokens import Service, Tokens, basic
from bootworthy.oci.registry.wire import NO_HEADERS, OK, Body, Reply
from bootworthy.oci.registry.words import clean, words_of

_WARNING = re.compile(r'299 [^ ",]+ "((?:[^"\\]|\\.)*)"')
_MOST_WARNINGS = 20

Find = Callable[[str, str | None], Credentials | None]


@dataclass(frozen=True, slots=True)
class _Door:
    """How a registry wants to be asked."""

    service: Service | None = None
    """Where its tokens are had; None when it wants user and password with each request."""
    scopes: tuple[str, ...] = ()
    """What it said that this request needs."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """What an Authorization is made of."""

    header: Secret
    token: Secret | None = None
    """The token in it, when it is one that can be had anew."""


class Session:
    """One registry by the name that stands in references; credentials are looked for when it wants some."""

    def __init__(self, registry: str, http: Http, find: Find, progress: Progress) -> None:
        self.registry = registry
        self._http = http
        self._find = find
        self._progress = progress
        self._origin = origin_of(registry)
        self._settled = not http.plain.allows(self._origin)
        self._door: _Door | None = None
        self._known: dict[str | None, Credentials | None] = {}
        self._secrets: set[Secret] = set()
        self._warned: set[str] = set()
        self._lock = threading.RLock()
        self._tokens = Tokens(http, registry, self._hide, self._keep)

    def request(
        self, method: str, target: str, *, scopes: Sequence[str] = (), headers: Mapping[str, str] = NO_HEADERS,
        body: Body | bytes | None = None, accept: Container[int] = OK, idempotent: bool = True,
    ) -> Reply:  # fmt: skip
        """See `Wire.request`."""
        ask = Ask(method, self._address(target), headers, body, accept, idempotent)
        since = self._http.limits.clock()
        shown = self._pass(self._door, scopes, since=None) if self._door else None
        reply = self._send(ask, shown)
        if reply.status in {401, 403} and reply.status not in accept and reply.address.origin == self._origin:
            try:
                fresh = self._fresh(reply, scopes, shown, since)
            except BaseException:
                reply.close()
                raise
            if fresh is not None:
                reply.close()
                reply = self._send(ask, fresh)
        if reply.status in accept:
            return reply
        with reply:
            words = words_of(reply, self._hide)
        if reply.status in {401, 403}:
            raise self._denied(reply, scopes, words)
        raise problems.refusal(
            reply.status, reply.address, words, registry=self._host(reply), sent=reply.sent, asked=reply.asked
        )

    def _address(self, target: str) -> Address:
        """The address of a target; the first time, whether a host that may speak plain http does so is found out."""
        with self._lock:
            if not self._settled:
                secure = self._http.speaks_tls(Address(self._origin, "/v2/"))
                if secure is False:
                    self._origin = self._origin.plain()
                self._settled = secure is not None
        if target.startswith("/") and not target.startswith("//"):
            return Address.parse(f"{self._origin}{target}")
        return self._http.plain.check(Address.parse(target))

    def _send(self, ask: Ask, shown: _Pass | None) -> HttpReply:
        def authorise(origin: Origin) -> str | None:
            return shown.header.reveal() if shown and origin == self._origin else None

        reply = self._http.send(ask, authorise)
        if reply.address.origin == self._origin:
            self._warn(reply.headers.get("warning", ""))
        return reply

    def _fresh(self, reply: HttpReply, scopes: Sequence[str], shown: _Pass | None, since: float) -> _Pass | None:
        """What may help after a refusal: credentials where there were none, or a new token; None when nothing may."""
        if reply.status == 401:
            door = self._read_door(reply)
        elif self._door is not None and shown is not None:
            door = self._door  # 403: the right to it may have come since this token was made
        else:
            return None
        self._door = door
        if shown is not None and shown.token is None:
            return None  # the same password, or the same ready token, would be sent again
        stale = shown.token if shown else None
        return self._pass(door, (*scopes, *door.scopes), since=since if stale else None, stale=stale)

    def _pass(
        self, door: _Door, scopes: Sequence[str], *, since: float | None, stale: Secret | None = None
    ) -> _Pass | None:
        """The Authorization for a request, or None when a registry wants a password and we have none."""
        credentials = self._credentials(scopes)
        if credentials and credentials.bearer:
            return _Pass(Secret(f"Bearer {credentials.bearer.reveal()}"))
        if door.service is not None:
            token = self._tokens.get(door.service, scopes or door.scopes, credentials, since=since, stale=stale)
            return _Pass(Secret(f"Bearer {token.reveal()}"), token)
        if credentials is None or not credentials.username:
            return None
        header = basic(credentials)
        self._keep(Secret(header.reveal().partition(" ")[2]))
        return _Pass(header)

    def _read_door(self, reply: HttpReply) -> _Door:
        header = reply.headers.get("www-authenticate", "")
        try:
            challenges = parse(header)
        except ValueError as error:
            raise NetworkError(
                "registry.bad-challenge", f"{self.registry} asks for credentials in a way that cannot be read: {error}",
                where=str(reply.address),
            ) from None  # fmt: skip
        by_scheme: dict[str, Challenge] = {}
        for challenge in challenges:
            by_scheme.setdefault(challenge.scheme, challenge)
        bearer = by_scheme.get("bearer")
        if bearer is not None and "realm" in bearer.parameters:
            realm = Address.parse(bearer.parameters["realm"])
            service = Service(realm, bearer.parameters.get("service"))
            return _Door(service, tuple(bearer.parameters.get("scope", "").split()))
        if "basic" in by_scheme:
            return _Door()
        schemes = ", ".join(sorted(by_scheme)) or "nothing that it says"
        raise CredentialsError(
            "registry.denied", f"{self.registry} wants {clean(schemes)}; Bearer and Basic are what we know",
            where=str(reply.address),
        )  # fmt: skip

    def _credentials(self, scopes: Sequence[str]) -> Credentials | None:
        repository = next((scope.split(":")[1] for scope in scopes if scope.startswith("repository:")), None)
        with self._lock:
            if repository not in self._known:
                found = self._find(self.registry, repository)
                self._secrets.update(found.secrets if found else ())
                self._known[repository] = found
            return self._known[repository]

    def _denied(self, reply: HttpReply, scopes: Sequence[str], words: str) -> CredentialsError:
        told = f": {words}" if words else ""
        if reply.address.origin != self._origin:
            host = reply.address.origin.authority
            return CredentialsError(
                "registry.denied", f"{host}, where {self.registry} sent us, answered {reply.status}{told}",
                where=str(reply.address), hint="try again: such an address is good for some minutes only",
            )  # fmt: skip
        credentials = self._credentials(scopes)
        if credentials is None:
            message = f"{self.registry} wants credentials, and none were found"
            if reply.status == 403:
                message = f"{self.registry} does not let anybody without credentials do this"
            hint = f"log in: skopeo login {self.registry}, or docker login {self.registry}"
        else:
            message = f"{self.registry} refuses the credentials from {credentials.source}"
            hint = f"log in again, or ask for the right to {', '.join(scopes) or 'do this'}"
        return CredentialsError("registry.denied", message + told, where=str(reply.address), hint=hint)

    def _host(self, reply: HttpReply) -> str:
        origin = reply.address.origin
        return self.registry if origin == self._origin else f"{origin.authority}, where {self.registry} sent us,"

    def _warn(self, header: str) -> None:
        for found in _WARNING.finditer(header[:8192]):
            text = clean(re.sub(r"\\(.)", r"\1", found[1]), self._hide)
            with self._lock:
                new = text and text not in self._warned and len(self._warned) < _MOST_WARNINGS
                self._warned.add(text)
            if new:
                self._progress.note(f"{self.registry} warns: {text}")

    def _keep(self, secret: Secret) -> None:
        with self._lock:
            self._secrets.add(secret)

    def _hide(self, text: str) -> str:
        with self._lock:
            return hide(text, self._secrets)
