from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bootworthy.errors import BootworthyError, CredentialsError, NetworkError, NotFoundError
from bootworthy.host.progress import Quiet
from bootworthy.host.settings import RegistrySettings
from bootworthy.oci.registry.backoff import Limits
from bootworthy.oci.registry.open import open_registry
from bootworthy.oci.registry.tokens import merged
from bootworthy.oci.registry.wire import Wire
from tests.answering import Answer, Answering, Asked

PULL = ("repository:x/y:pull",)
USER, PASSWORD, IDENTITY = "me", "sw0rdf1sh", "identity-t0ken"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
TARGET = "/v2/x/y/manifests/v1"


class Notes(Quiet):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


class Guarded:
    """A registry that wants tokens, and its token service at /token; `host` and `realm` may be others'."""

    def __init__(self) -> None:
        self.good: set[str] = set()
        self.given = 0
        self.extra = ""
        """More for the challenge."""
        self.answer: dict[str, object] = {"expires_in": 300}
        self.field = "token"
        self.realm = ""
        self.refused = 401
        self.slowness = 0.0

    def __call__(self, ask: Asked) -> Answer:
        if ask.path == "/token":
            return self.token(ask)
        if (ask.authorization or "").removeprefix("Bearer ") in self.good:
            return 200, {}, b"content"
        realm = self.realm or f"http://{ask.headers['host']}/token"
        challenge = f'Bearer realm="{realm}",service="the service"{self.extra}'
        return self.refused, {"WWW-Authenticate": challenge}, b'{"errors": [{"code": "UNAUTHORIZED"}]}'

    def token(self, ask: Asked) -> Answer:
        if ask.authorization not in {None, BASIC}:
            return 401, {}, b'{"error": "who are you?"}'
        threading.Event().wait(self.slowness)
        self.given += 1
        self.good.add(f"token-{self.given}")
        return 200, {}, json.dumps({self.field: f"token-{self.given}", **self.answer}).encode()


def auths(folder: Path, content: Mapping[str, object]) -> dict[str, str]:
    file = folder / "auth.json"
    file.write_text(json.dumps(content))
    return {"REGISTRY_AUTH_FILE": str(file)}


def password(folder: Path, registry: str, word: str = PASSWORD) -> dict[str, str]:
    return auths(folder, {"auths": {registry: {"auth": base64.b64encode(f"{USER}:{word}".encode()).decode()}}})


def wire(registry: str, environ: Mapping[str, str] | None = None, progress: Notes | None = None, **limits: Any) -> Wire:
    found = {"XDG_RUNTIME_DIR": "/nonexistent", **(environ or {})}
    patience = Limits(sleep=lambda _: None, **limits)
    return open_registry(registry, RegistrySettings(), progress or Notes(), limits=patience, environ=found)


def pull(registry: Wire, target: str = TARGET, scopes: tuple[str, ...] = PULL) -> bytes:
    with registry.request("GET", target, scopes=scopes) as reply:
        return reply.read(1000)


def refused(registry: Wire, target: str = TARGET, kind: type[BootworthyError] = CredentialsError) -> BootworthyError:
    with pytest.raises(kind) as caught:
        pull(registry, target)
    return caught.value


def test_an_open_registry_is_not_told_who_we_are(tmp_path: Path) -> None:
    with Answering(lambda _: (200, {}, b"content")) as server:
        registry = wire(server.host, password(tmp_path, server.host))
        assert registry.registry == server.host
        assert pull(registry) == b"content"
        assert [ask.authorization for ask in server.asked] == [None]


def test_anybody_gets_a_token_and_it_is_used_as_long_as_it_lasts() -> None:
    now, guard = 0.0, Guarded()
    with Answering(guard) as server:
        registry = wire(server.host, clock=lambda: now)
        for _ in range(3):
            assert pull(registry) == b"content"
        assert guard.given == 1
        asked = next(ask for ask in server.asked if ask.path == "/token")
        assert asked.query == {"service": ["the service"], "scope": ["repository:x/y:pull"]}
        assert asked.authorization is None
        assert [ask.authorization for ask in server.asked if ask.path == TARGET] == [None] + ["Bearer token-1"] * 3
        now = 289
        pull(registry)
        assert guard.given == 1
        now = 291
        pull(registry)
        assert guard.given == 2


def test_a_token_of_which_nothing_is_said_lasts_a_minute() -> None:
    now, guard = 0.0, Guarded()
    guard.answer, guard.field = {}, "access_token"
    with Answering(guard) as server:
        registry = wire(server.host, clock=lambda: now)
        pull(registry)
        now = 49
        pull(registry)
        assert guard.given == 1
        now = 51
        pull(registry)
        assert guard.given == 2


def test_a_token_that_ends_in_the_middle_is_had_anew() -> None:
    guard = Guarded()
    with Answering(guard) as server:
        registry = wire(server.host)
        pull(registry)
        guard.good.clear()
        assert pull(registry) == b"content"
        assert guard.given == 2
        guard.refused = 403
        guard.good.clear()
        assert pull(registry) == b"content"
        assert guard.given == 3


def test_a_token_that_ends_is_had_anew_where_the_registry_wants_more_than_we_asked_for() -> None:
    guard = Guarded()
    guard.extra = ',scope="repository:x/y:pull repository:other:pull"'
    with Answering(guard) as server:
        registry = wire(server.host)
        pull(registry)
        assert server.asked[1].query["scope"] == ["repository:other:pull", "repository:x/y:pull"]
        for _ in range(2):
            guard.good.clear()
            assert pull(registry) == b"content"


def test_each_set_of_scopes_has_its_token_and_threads_share_it() -> None:
    guard = Guarded()
    with Answering(guard) as server:
        registry = wire(server.host)
        pull(registry)
        guard.slowness = 0.2  # so that they meet
        threads = [
            threading.Thread(
                target=pull, args=(registry, TARGET, (f"repository:{name}:push", f"repository:{name}:pull"))
            )
            for name in "ab" * 8
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert guard.given == 3
        scopes = [ask.query["scope"] for ask in server.asked if ask.path == "/token"][1:]
        assert sorted(scopes) == [["repository:a:pull,push"], ["repository:b:pull,push"]]


def test_scopes_of_one_thing_are_joined() -> None:
    assert merged(["repository:a:push", "repository:b:pull", "repository:a:pull,push", "odd"]) == (
        "odd", "repository:a:pull,push", "repository:b:pull",
    )  # fmt: skip
    assert merged(["repository:host:5000/a:pull", "registry:catalog:*"]) == (
        "registry:catalog:*", "repository:host:5000/a:pull",
    )  # fmt: skip


def test_the_password_goes_to_the_token_service_alone(tmp_path: Path) -> None:
    guard = Guarded()
    with Answering(guard) as service, Answering(guard) as server:
        guard.realm = f"http://{service.host}/token?kept=1"
        assert pull(wire(server.host, password(tmp_path, server.host))) == b"content"
        assert [ask.authorization for ask in service.asked] == [BASIC]
        assert service.asked[0].query["kept"] == ["1"]
        assert service.asked[0].query["account"] == [USER]
        assert [ask.authorization for ask in server.asked] == [None, "Bearer token-1"]


def test_a_password_goes_nowhere_by_plain_http(tmp_path: Path) -> None:
    guard = Guarded()
    with Answering(guard) as server:
        guard.realm = "http://tokens.example/token"
        error = refused(wire(server.host, password(tmp_path, server.host)), kind=NetworkError)
        assert error.code == "registry.plain-http"
        assert "tokens.example" in str(error)


def test_a_token_service_that_sends_us_on_does_not_take_the_password_along(tmp_path: Path) -> None:
    guard = Guarded()
    with (
        Answering(guard) as other,
        Answering(lambda ask: (307, {"Location": f"http://{other.host}/token"}, b"") if ask.path == "/token"
                  else guard(ask)) as server,
    ):  # fmt: skip
        pull(wire(server.host, password(tmp_path, server.host)))
        assert [ask.authorization for ask in other.asked] == [None]


def test_a_wrong_password_is_tried_once(tmp_path: Path) -> None:
    guard = Guarded()
    with Answering(guard) as server:
        error = refused(wire(server.host, password(tmp_path, server.host, "wrong")))
        assert error.code == "registry.denied"
        assert str(tmp_path / "auth.json") in str(error)
        assert "who are you?" in str(error)
        assert len([ask for ask in server.asked if ask.path == "/token"]) == 1
    with Answering(lambda _: (401, {"WWW-Authenticate": 'Basic realm="r"'}, b"")) as server:
        registry = wire(server.host, password(tmp_path, server.host, "wrong"))
        for wanted in ([None, "wrong"], [None, "wrong", "wrong"]):
            error = refused(registry)
            assert str(tmp_path / "auth.json") in str(error)
            sent = [ask.authorization for ask in server.asked]
            assert sent == [word and "Basic " + base64.b64encode(f"{USER}:{word}".encode()).decode() for word in wanted]


def test_a_token_that_is_refused_is_had_anew_once() -> None:
    guard = Guarded()
    with Answering(lambda ask: guard.token(ask) if ask.path == "/token" else guard(ask)) as server:
        guard.good = _Nothing()
        error = refused(wire(server.host))
        assert error.code == "registry.denied"
        assert "none were found" in str(error)
        assert "skopeo login" in str(error.hint)
        assert guard.given == 1


class _Nothing(set[str]):
    def add(self, element: str) -> None:
        """No token is good."""


class _NotTheSecond(set[str]):
    def add(self, element: str) -> None:
        if element != "token-2":
            super().add(element)


def test_a_token_that_was_had_just_now_may_be_refused_too() -> None:
    now, guard = 0.0, Guarded()
    with Answering(guard) as server:
        guard.good = _NotTheSecond()
        registry = wire(server.host, clock=lambda: now)
        pull(registry)
        now = 1000
        assert pull(registry) == b"content"
        assert [ask.authorization for ask in server.asked if ask.path == TARGET] == [
            None, "Bearer token-1", "Bearer token-2", "Bearer token-3",
        ]  # fmt: skip


def test_an_identity_token_is_posted_and_follows_its_successor(tmp_path: Path) -> None:
    guard = Guarded()
    guard.answer = {"expires_in": 300, "refresh_token": "next-identity"}
    guard.field = "access_token"
    with Answering(guard) as server:
        registry = wire(server.host, auths(tmp_path, {"auths": {server.host: {"identitytoken": IDENTITY}}}))
        pull(registry)
        guard.good.clear()
        pull(registry)
        posts = [ask for ask in server.asked if ask.method == "POST"]
        form = f"grant_type=refresh_token&client_id=bootworthy&refresh_token={IDENTITY}"
        form += "&service=the+service&scope=repository%3Ax%2Fy%3Apull"
        assert [ask.body.decode() for ask in posts] == [form, form.replace(IDENTITY, "next-identity")]
        assert posts[0].headers["content-type"] == "application/x-www-form-urlencoded"
        assert {ask.authorization for ask in server.asked} == {None, "Bearer token-1", "Bearer token-2"}


def test_an_identity_token_is_posted_to_nobody_else(tmp_path: Path) -> None:
    guard = Guarded()
    with (
        Answering(guard) as other,
        Answering(lambda ask: (307, {"Location": f"http://{other.host}/token"}, b"") if ask.path == "/token"
                  else guard(ask)) as server,
    ):  # fmt: skip
        environ = auths(tmp_path, {"auths": {server.host: {"identitytoken": IDENTITY}}})
        assert refused(wire(server.host, environ), kind=NetworkError).code == "registry.refused"
        assert other.asked == []


def test_a_service_that_takes_no_post_is_asked_with_the_password(tmp_path: Path) -> None:
    guard = Guarded()
    with Answering(lambda ask: (405, {}, b"") if ask.method == "POST" else guard(ask)) as server:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        environ = auths(tmp_path, {"auths": {server.host: {"auth": login, "identitytoken": IDENTITY}}})
        assert pull(wire(server.host, environ)) == b"content"
        assert [ask.authorization for ask in server.asked if ask.path == "/token"] == [None, BASIC]


def test_a_ready_token_is_sent_as_it_is(tmp_path: Path) -> None:
    guard = Guarded()
    guard.good.add("ready")
    with Answering(guard) as server:
        environ = auths(tmp_path, {"auths": {server.host: {"registrytoken": "ready"}}})
        assert pull(wire(server.host, environ)) == b"content"
        assert guard.given == 0
        guard.good.clear()
        assert "refuses the credentials from" in str(refused(wire(server.host, environ)))
        assert guard.given == 0


def test_a_password_is_sent_with_each_request_where_that_is_wanted(tmp_path: Path) -> None:
    def answer(ask: Asked) -> Answer:
        if ask.authorization == BASIC:
            return 200, {}, b"content"
        return 401, {"WWW-Authenticate": 'Negotiate, Basic realm="r"'}, b""

    with Answering(answer) as server:
        registry = wire(server.host, password(tmp_path, server.host))
        pull(registry)
        pull(registry)
        assert [ask.authorization for ask in server.asked] == [None, BASIC, BASIC]
        error = refused(wire(server.host))
        assert "wants credentials, and none were found" in str(error)


def test_credentials_may_be_for_a_part_of_a_registry(tmp_path: Path) -> None:
    def answer(ask: Asked) -> Answer:
        return (200 if ask.authorization else 401), {"WWW-Authenticate": "Basic"}, b"content"

    with Answering(answer) as server:
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        registry = wire(server.host, auths(tmp_path, {"auths": {f"{server.host}/x": {"auth": login}}}))
        assert pull(registry) == b"content"
        with pytest.raises(CredentialsError):
            pull(registry, "/v2/other/tags/list", ("repository:other:pull",))


@pytest.mark.parametrize(
    ("challenge", "kind", "words"),
    [
        ('Bearer realm="x', NetworkError, "cannot be read"),
        ('Bearer realm="not an address"', NetworkError, "no address"),
        ("Negotiate", CredentialsError, "wants negotiate"),
        ("Bearer", CredentialsError, "wants bearer"),
        ("", CredentialsError, "wants nothing that it says"),
    ],
)
def test_a_challenge_that_we_cannot_meet_is_said(challenge: str, kind: type[BootworthyError], words: str) -> None:
    with Answering(lambda _: (401, {"WWW-Authenticate": challenge}, b"")) as server:
        assert words in str(refused(wire(server.host), kind=kind))


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"token": 5}', b'{"token": "a\\r\\nX: b"}', b"x" * (2 << 20)])
def test_a_token_that_is_none_is_said(answer: bytes) -> None:
    guard = Guarded()
    with Answering(lambda ask: (200, {}, answer) if ask.path == "/token" else guard(ask)) as server:
        assert refused(wire(server.host), kind=NetworkError).code == "registry.bad-token"


def test_a_busy_token_service_is_waited_for() -> None:
    guard, left = Guarded(), [429, 503]

    def answer(ask: Asked) -> Answer:
        return (left.pop(), {}, b"") if ask.path == "/token" and left else guard(ask)

    with Answering(answer) as server:
        assert pull(wire(server.host)) == b"content"
        guard.good.clear()
        left.extend([500] * 6)
        assert refused(wire(server.host), kind=NetworkError).code == "registry.unavailable"


def test_a_refusal_elsewhere_is_no_reason_to_show_who_we_are(tmp_path: Path) -> None:
    guard = Guarded()
    with (
        Answering(lambda _: (401, {"WWW-Authenticate": "Basic"}, b"<Error>expired</Error>")) as other,
        Answering(lambda _: (307, {"Location": f"http://{other.host}/blob?X-Signature=signed"}, b"")) as server,
    ):
        error = refused(wire(server.host, password(tmp_path, server.host)))
        assert [ask.authorization for ask in other.asked] == [None]
        assert f"{other.host}, where {server.host} sent us" in str(error)
        assert "signed" not in repr(error)
    assert guard.given == 0


def test_a_location_on_another_host_gets_no_token() -> None:
    guard = Guarded()
    with Answering(guard) as server, Answering(lambda _: (200, {}, b"")) as other:
        registry = wire(server.host)
        pull(registry)
        for host in (other.host, server.host):
            with registry.request("PUT", f"http://{host}/upload", scopes=PULL, body=b"x"):
                pass
        assert [ask.authorization for ask in other.asked] == [None]
        assert server.asked[-1].authorization == "Bearer token-1"
        with pytest.raises(NetworkError) as caught:
            registry.request("PUT", "http://far.example/upload", body=b"x")
        assert caught.value.code == "registry.plain-http"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (403, CredentialsError, "registry.denied"),
        (404, NotFoundError, "registry.not-found"),
        (429, NetworkError, "registry.unavailable"),
        (500, NetworkError, "registry.unavailable"),
        (507, NetworkError, "registry.refused"),
        (400, NetworkError, "registry.refused"),
        (302, NetworkError, "registry.refused"),
        (206, NetworkError, "registry.refused"),
    ],
)
def test_a_status_that_is_not_accepted_is_an_error_with_the_registrys_words(
    status: int, kind: type[BootworthyError], code: str
) -> None:
    body = json.dumps({"errors": [{"code": "SOME_CODE", "message": "some \x1b[1mwords", "detail": {}}]}).encode()
    with Answering(lambda _: (status, {"Retry-After": "33"}, body)) as server:
        with pytest.raises(kind) as caught:
            wire(server.host).request("GET", "/v2/x?n=1", accept={200})
        assert caught.value.code == code
        assert "SOME_CODE: some [1mwords" in str(caught.value)
        assert caught.value.where == f"http://{server.host}/v2/x"
        if status == 429:
            assert "33 s" in str(caught.value.hint)


def test_warnings_are_told_once() -> None:
    said = '299 - "old \\"image\\" names\x1b end soon", 199 - "not this", 299 registry "and this"'
    with Answering(lambda _: (200, {"Warning": said}, b"")) as server:
        notes = Notes()
        registry = wire(server.host, progress=notes)
        pull(registry)
        pull(registry)
        assert notes.notes == [
            f'{server.host} warns: old "image" names end soon', f"{server.host} warns: and this",
        ]  # fmt: skip


def test_secrets_that_a_registry_sends_back_are_told_to_nobody(tmp_path: Path) -> None:
    """Every error and note of many failures, the arguments of a helper: none has a secret in it."""
    guard, told, notes = Guarded(), [], Notes()
    mode, status = "", 0

    def echo(ask: Asked) -> Answer:
        if ask.path == "/token" and mode != "token":
            return guard.token(ask)
        seen = " ".join([ask.authorization or "", ask.body.decode(), PASSWORD if mode == "plain" else ""])
        if ask.authorization is None:
            return guard(ask)
        fields = {"Warning": f'299 - "you sent {seen}"', "WWW-Authenticate": f'Basic realm="{seen}'}
        return status, fields, json.dumps({"errors": [{"code": "ECHO", "message": "x" * 280 + seen}]}).encode()

    program = tmp_path / "docker-credential-x"
    answer = json.dumps({"Username": USER, "Secret": PASSWORD})
    program.write_text(f"#!/bin/sh\ntr '\\0' ' ' < /proc/$$/cmdline >> {tmp_path}/argv\necho '{answer}'\n")
    program.chmod(0o755)
    for mode, status in itertools.product(("resource", "token", "plain"), (400, 401, 403, 404, 429, 500)):  # noqa: B007
        with Answering(echo) as server:
            environ = password(tmp_path, server.host)
            if status % 2 == 0:
                environ = {**auths(tmp_path, {"credsStore": "x"}), "PATH": f"{tmp_path}:/usr/bin:/bin"}
            registry = wire(server.host, environ, notes)
            with pytest.raises(BootworthyError) as caught:
                pull(registry)
            told.append(f"{caught.value!r} {caught.value.as_json()} {caught.value.__cause__!r} {registry!r}")
    everything = "\n".join([*told, *notes.notes, (tmp_path / "argv").read_text()])
    assert "ECHO" in everything
    assert "warns: you sent Bearer ***" in everything
    assert "docker-credential-x get" in everything
    for secret in (PASSWORD, BASIC.partition(" ")[2], *(f"token-{number}" for number in range(1, guard.given + 1))):
        assert secret not in everything


def test_plain_http_is_found_out_for_hosts_that_may_speak_it() -> None:
    with Answering(lambda _: (200, {}, b"content")) as server:
        registry = wire(f"localhost:{server.port}")
        with registry.request("GET", "/v2/") as reply:
            assert reply.url == f"http://localhost:{server.port}/v2/"
        assert [ask.path for ask in server.asked] == ["/v2/"]
        pull(registry)


def test_a_registry_that_is_not_there_may_come_later() -> None:
    with Answering(lambda _: (200, {}, b"content")) as server:
        port = server.port
    registry = wire(f"127.0.0.1:{port}")
    error = refused(registry, kind=NetworkError)
    assert error.code == "registry.unreachable"
    assert "connection refused" in str(error)
