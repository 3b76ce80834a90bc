"""One file of credentials, read strictly; nothing of its content is in any message."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.errors import DocumentError, Problem
from bootworthy.oci.registry.address import HUB
from bootworthy.oci.registry.secret import NO_SECRET, Secret

_LONGEST = 1 << 20
_HUB_HOSTS = frozenset({HUB, "index.docker.io", "registry-1.docker.io"})
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a file or a helper says for one name."""

    username: str = ""
    password: Secret = NO_SECRET
    identity: Secret = NO_SECRET
    bearer: Secret = NO_SECRET

    def __bool__(self) -> bool:
        return bool(self.username or self.identity or self.bearer)


@dataclass(frozen=True, slots=True)
class AuthFile:
    """A file that was read."""

    path: Path
    entries: Mapping[str, Entry] = field(default_factory=dict)
    """By `host`, `host:port` or `host/a/part/of/a/name`."""
    helpers: Mapping[str, str] = field(default_factory=dict)
    """By `host` or `host:port`, the X of docker-credential-X."""
    store: str | None = None
    """The helper for every registry."""


def read_auth_file(path: Path) -> AuthFile:
    """What a file says.

    Raises:
        DocumentError: `credentials.bad-file`, with every mistake and none of its content.
    """
    document = _load(path)
    problems: list[Problem] = []
    entries: dict[str, Entry] = {}
    for key, value in _object(path, document, "auths", problems).items():
        entry = _entry(path, key, value, problems)
        if entry and (normal(key) not in entries or normal(key) == key):  # the plain name goes before `https://...`
            entries[normal(key)] = entry
    helpers = {
        normal(key): _helper(path, f"credHelpers.{key}", value, problems)
        for key, value in _object(path, document, "credHelpers", problems).items()
    }
    store = document.get("credsStore") or None
    found = AuthFile(path, entries, helpers, None if store is None else _helper(path, "credsStore", store, problems))
    if problems:
        raise _bad(path, problems)
    return found


def normal(key: str) -> str:
    """A key as references name it: `https://index.docker.io/v1/` is `docker.io`."""
    name = re.sub(r"^https?://", "", key).rstrip("/")
    host, slash, rest = name.partition("/")
    host = HUB if host.lower() in _HUB_HOSTS else host.lower()
    return host if rest in {"", "v1", "v2"} else host + slash + rest


def _load(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST + 1)
    except OSError as error:
        raise _bad(path, [_problem(path, f"it cannot be read: {error.strerror}")]) from error
    if len(raw) > _LONGEST:
        raise _bad(path, [_problem(path, f"it is larger than {_LONGEST} bytes")])
    try:
        value = json.loads(raw or b"{}")
    except json.JSONDecodeError as error:  # nor may the text of the error, or the document in it, be shown
        line, column = error.lineno, error.colno
        raise _bad(path, [Problem("credentials.bad-file", "no valid JSON", f"{path}:{line}:{column}")]) from None
    except (ValueError, RecursionError):
        raise _bad(path, [_problem(path, "no valid JSON")]) from None
    if not isinstance(value, dict):
        raise _bad(path, [_problem(path, "not a JSON object")])
    return value


def _object(path: Path, document: dict[str, object], name: str, problems: list[Problem]) -> dict[str, object]:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.append(_problem(path, "must be an object", name))
        return {}
    return value


def _entry(path: Path, key: str, value: object, problems: list[Problem]) -> Entry:
    where = f"auths.{key}"
    if value is None:
        return Entry()
    if not isinstance(value, dict):
        problems.append(_problem(path, "must be an object", where))
        return Entry()
    texts = {name: value.get(name) or "" for name in ("auth", "username", "password", "identitytoken", "registrytoken")}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if wrong:
        problems.extend(_problem(path, "must be a string", f"{where}.{name}") for name in wrong)
        return Entry()
    username, password = texts["username"], texts["password"]
    if texts["auth"]:
        try:
            username, password = _login(texts["auth"])
        except (binascii.Error, ValueError):
            problems.append(_problem(path, "must be the base64 of user:password", f"{where}.auth"))
            return Entry()
    if username == "<token>":
        username = ""
    return Entry(username, Secret(password), Secret(texts["identitytoken"]), Secret(texts["registrytoken"]))


def _login(auth: str) -> tuple[str, str]:
    username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    if not colon:
        raise ValueError("no colon")
    return username, password.rstrip("\0")


def _helper(path: Path, where: str, value: object, problems: list[Problem]) -> str:
    if isinstance(value, str) and _HELPER.fullmatch(value):
        return value
    problems.append(_problem(path, "must be the X of a program docker-credential-X", where))
    return ""


def _problem(path: Path, message: str, inside: str = "") -> Problem:
    return Problem("credentials.bad-file", f"{inside}: {message}" if inside else message, str(path), inside)


def _bad(path: Path, problems: list[Problem]) -> DocumentError:
    return DocumentError("credentials.bad-file", "a file of credentials cannot be used", problems, where=str(path))
