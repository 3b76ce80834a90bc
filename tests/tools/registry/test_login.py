"""Credentials that skopeo wrote, at a registry that wants a password."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootworthy.errors import CredentialsError
from bootworthy.host.settings import RegistrySettings
from bootworthy.oci.registry.open import open_registry
from tests.needs import need
from tests.registry import docker_registry


@pytest.mark.parametrize("namespace", ["", "/team"])
def test_who_logged_in_with_skopeo_is_let_in(tmp_path: Path, namespace: str) -> None:
    need("skopeo", "docker-registry")
    file = tmp_path / "runtime/containers/auth.json"
    environ = {"XDG_RUNTIME_DIR": str(tmp_path / "runtime"), "HOME": str(tmp_path)}
    with docker_registry(tmp_path / "registry", users={"me": "sw0rd:fish"}) as registry:
        opened = open_registry(registry.host, RegistrySettings(), environ=environ)
        scopes = ("repository:team/x:pull",)
        with pytest.raises(CredentialsError) as caught:
            opened.request("GET", "/v2/team/x/tags/list", scopes=scopes)
        assert "none were found" in str(caught.value)
        file.parent.mkdir(parents=True)
        login = ["skopeo", "login", "--tls-verify=false", "--authfile", str(file), "-u", "me", "--password-stdin"]
        done = subprocess.run(
            [*login, registry.host + namespace], input="sw0rd:fish", capture_output=True, text=True, check=False,
            timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert f"{registry.host}{namespace}" in file.read_text()
        opened = open_registry(registry.host, RegistrySettings(), environ=environ)
        with opened.request("GET", "/v2/team/x/tags/list", scopes=scopes, accept={404}) as reply:
            assert b"NAME_UNKNOWN" in reply.read(10000)
        file.write_text(file.read_text().replace('"auth": "', '"auth": "AAAA'))
        with pytest.raises(CredentialsError) as caught:
            open_registry(registry.host, RegistrySettings(), environ=environ).request(
                "GET", "/v2/team/x/tags/list", scopes=scopes
            )
        assert f"refuses the credentials from {file}" in str(caught.value)
