"""The door to a registry."""

from __future__ import annotations

import os
from collections.abc import Mapping

from bootworthy.host.progress import QUIET, Progress
from bootworthy.host.settings import RegistrySettings
from bootworthy.oci.registry.address import Plain
from bootworthy.oci.registry.backoff import Limits
from bootworthy.oci.registry.credentials import Credentials, find_credentials
from bootworthy.oci.registry.http import Http
from bootworthy.oci.registry.session import Session
from bootworthy.oci.registry.trust import Trust
from bootworthy.oci.registry.wire import Wire


def open_registry(
    name: str, settings: RegistrySettings, progress: Progress = QUIET, *, limits: Limits | None = None,
    environ: Mapping[str, str] | None = None,
) -> Wire:  # fmt: skip
    """A registry by the name that stands in references; nothing is sent yet.

    `environ` is where credentials, proxies and certificates are looked for: by default, the environment.

    Raises:
        NetworkError: `registry.bad-address`.
    """
    env = dict(os.environ if environ is None else environ)
    http = Http(
        Plain.of(settings.insecure), Trust.of(settings.ca, env), env, Limits() if limits is None else limits, progress
    )

    def find(registry: str, repository: str | None) -> Credentials | None:
        return find_credentials(registry, repository, env)

    return Session(name, http, find, progress)
