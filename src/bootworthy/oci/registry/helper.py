"""Credential helpers: programs `docker-credential-X` that know a secret (docker/docker-credential-helpers, README)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bootworthy.errors import CredentialsError, HostError
from bootworthy.host import processes
from bootworthy.oci.registry.auth_file import Entry
from bootworthy.oci.registry.secret import Secret
from bootworthy.oci.registry.words import clean

_PATIENCE = 60.0
"""Seconds; a helper may have to ask a service."""


def ask_helper(name: str, server: str, environ: Mapping[str, str], where: str) -> Entry | None:
    """What a helper knows of a server, or None when it knows nothing; `where` is the file that names the helper.

    Raises:
        CredentialsError: `credentials.no-helper`, `credentials.helper-failed`.
        DeadlineError: `process.deadline`.
    """
    program = f"docker-credential-{name}"
    try:
        done = processes.run(
            [program, "get"], env=environ, data=server.encode(), timeout=_PATIENCE, check=False, starts_others=True
        )
    except HostError as error:
        raise CredentialsError(
            "credentials.no-helper", f"{program}, which knows the password for {server}, cannot be run",
            where=where, hint=f"install {program}, or take it out of {where}",
        ) from error  # fmt: skip
    if done.status != 0:
        said = done.stdout + done.stderr
        if b"not found" in said.lower():
            return None
        # On failure a helper says why on its standard output; what looks like an answer is not shown.
        words = clean((done.stderr if b"{" in done.stdout else said).decode(errors="replace"))
        raise CredentialsError(
            "credentials.helper-failed", f"{program} ended with {done.ending()}" + (f": {words}" if words else ""),
            where=where, hint=f"try it: echo {server} | {program} get",
        )  # fmt: skip
    return _answer(done.stdout, program, where)


def _answer(raw: bytes, program: str, where: str) -> Entry | None:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    username, secret = (value.get("Username"), value.get("Secret")) if isinstance(value, dict) else (None, None)
    if not isinstance(username, str) or not isinstance(secret, str):
        raise CredentialsError(
            "credentials.helper-failed", f"{program} answered with something that is no user and secret", where=where
        )
    if username == "<token>":
        return Entry(identity=Secret(secret))
    return Entry(username, Secret(secret)) if username or secret else None
