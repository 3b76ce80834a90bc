"""Who we are at a registry, found where people keep it: containers' auth.json, Docker's config.json, their helpers.

Formats: containers-auth.json(5), and `docker login` with its credential helpers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bootworthy.errors import CredentialsError
from bootworthy.oci.registry.address import HUB
from bootworthy.oci.registry.auth_file import AuthFile, Entry, read_auth_file
from bootworthy.oci.registry.helper import ask_helper
from bootworthy.oci.registry.secret import NO_SECRET, Secret

AUTH_FILE = "REGISTRY_AUTH_FILE"
_HUB_SERVERS = ("https://index.docker.io/v1/", HUB)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one registry may be told about us."""

    source: str
    """The file, or the helper, that knows it."""
    username: str = ""
    password: Secret = NO_SECRET
    identity: Secret = NO_SECRET
    """A token that gets others (OAuth 2's refresh token)."""
    bearer: Secret = NO_SECRET
    """A token that is sent as it is."""

    @classmethod
    def of(cls, source: str, entry: Entry) -> Credentials:
        """The credentials that an entry holds."""
        return cls(source, entry.username, entry.password, entry.identity, entry.bearer)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All that must be shown to nobody."""
        return tuple(filter(None, (self.password, self.identity, self.bearer)))


def find_credentials(registry: str, repository: str | None, environ: Mapping[str, str]) -> Credentials | None:
    """The first credentials found for a registry; those for a part of its repositories go before those for all.

    Raises:
        DocumentError: `credentials.bad-file`.
        CredentialsError: `credentials.no-file`, `credentials.no-helper`, `credentials.helper-failed`.
    """
    for path in auth_files(environ):
        if not path.is_file():
            continue
        found = _look(read_auth_file(path), registry, repository, environ)
        if found is not None:
            return found
    return None


def auth_files(environ: Mapping[str, str]) -> Iterator[Path]:
    """The files that are looked at, in this order; REGISTRY_AUTH_FILE is looked at alone.

    Raises:
        CredentialsError: `credentials.no-file`, when it is set and there is no such file.
    """
    named = environ.get(AUTH_FILE)
    if named:
        if not Path(named).is_file():
            raise CredentialsError(
                "credentials.no-file", f"{AUTH_FILE} names a file that is not there", where=named,
                hint=f"unset {AUTH_FILE}, or log in: skopeo login --authfile {named} REGISTRY",
            )  # fmt: skip
        yield Path(named)
        return
    runtime = environ.get("XDG_RUNTIME_DIR")
    yield (Path(runtime) / "containers" if runtime else Path(f"/run/containers/{os.getuid()}")) / "auth.json"
    home = environ.get("HOME")
    config = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    if config:
        yield Path(config) / "containers/auth.json"
    docker = environ.get("DOCKER_CONFIG") or (f"{home}/.docker" if home else None)
    if docker:
        yield Path(docker) / "config.json"


def _look(file: AuthFile, registry: str, repository: str | None, environ: Mapping[str, str]) -> Credentials | None:
    """One file: its helper for this registry, its helper for all, its own entries."""
    for helper in filter(None, (file.helpers.get(registry), file.store)):
        for server in _HUB_SERVERS if registry == HUB else (registry,):
            entry = ask_helper(helper, server, environ, str(file.path))
            if entry is not None:
                return Credentials.of(f"docker-credential-{helper}", entry)
    for name in _names(registry, repository):
        if name in file.entries:
            return Credentials.of(str(file.path), file.entries[name])
    return None


def _names(registry: str, repository: str | None) -> Iterator[str]:
    """The keys that mean a repository, the longest first."""
    name = f"{registry}/{repository}" if repository else registry
    while name != registry:
        yield name
        name = name.rpartition("/")[0]
    yield registry
