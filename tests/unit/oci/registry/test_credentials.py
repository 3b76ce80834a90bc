from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from bootworthy.errors import CredentialsError, DocumentError
from bootworthy.oci.registry.credentials import auth_files, find_credentials

HOST = "registry.example:5000"
SECRET = "sw0rdf1sh"


def login(user: str = "me", password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, **content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def helper(folder: Path, name: str, script: str) -> dict[str, str]:
    """A program docker-credential-NAME on a path of its own."""
    folder.mkdir(exist_ok=True)
    program = folder / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def answer(user: str, secret: str) -> str:
    return f"echo '{json.dumps({'ServerURL': 'x', 'Username': user, 'Secret': secret})}'"


def found(environ: dict[str, str], registry: str = HOST, repository: str | None = None) -> tuple[str, str] | None:
    credentials = find_credentials(registry, repository, environ)
    return None if credentials is None else (credentials.username, credentials.password.reveal())


def test_files_are_looked_at_in_this_order(tmp_path: Path) -> None:
    environ = {"HOME": "/h", "XDG_RUNTIME_DIR": "/r"}
    places = ["/r/containers/auth.json", "/h/.config/containers/auth.json", "/h/.docker/config.json"]
    assert [str(path) for path in auth_files(environ)] == places
    moved = {**environ, "XDG_CONFIG_HOME": "/c", "DOCKER_CONFIG": "/d"}
    assert [str(path) for path in auth_files(moved)] == [places[0], "/c/containers/auth.json", "/d/config.json"]
    assert [str(path) for path in auth_files({})] == [f"/run/containers/{os.getuid()}/auth.json"]
    alone = tmp_path / "auth.json"
    alone.touch()
    assert list(auth_files({**environ, "REGISTRY_AUTH_FILE": str(alone)})) == [alone]


def test_the_first_file_that_knows_wins(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "h"), "XDG_RUNTIME_DIR": str(tmp_path / "r")}
    assert found(environ) is None
    write(tmp_path / "h/.docker/config.json", auths={HOST: login("docker")})
    assert found(environ) == ("docker", SECRET)
    write(tmp_path / "h/.config/containers/auth.json", auths={HOST: login("config")})
    assert found(environ) == ("config", SECRET)
    write(tmp_path / "r/containers/auth.json", auths={"other.example": login("runtime"), HOST: {}})
    assert found(environ) == ("config", SECRET)
    write(tmp_path / "r/containers/auth.json", auths={HOST: login("runtime")})
    assert found(environ) == ("runtime", SECRET)
    named = write(tmp_path / "named.json", auths={HOST: login("named")})
    assert found({**environ, "REGISTRY_AUTH_FILE": str(named)}) == ("named", SECRET)
    named.write_text("")
    assert found({**environ, "REGISTRY_AUTH_FILE": str(named)}) is None


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as caught:
        found({"REGISTRY_AUTH_FILE": str(tmp_path / "gone")})
    assert caught.value.code == "credentials.no-file"


@pytest.mark.parametrize(
    ("repository", "user"), [(None, "all"), ("a", "all"), ("a/b", "ab"), ("a/b/c", "abc"), ("a/bc", "all")]
)
def test_the_longest_part_of_a_name_wins(tmp_path: Path, repository: str | None, user: str) -> None:
    auths = {HOST: login("all"), f"{HOST}/a/b": login("ab"), f"{HOST}/a/b/c": login("abc")}
    file = write(tmp_path / "auth.json", auths=auths)
    assert found({"REGISTRY_AUTH_FILE": str(file)}, repository=repository) == (user, SECRET)


@pytest.mark.parametrize(
    ("key", "registry"),
    [
        ("https://index.docker.io/v1/", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        (f"https://{HOST}", HOST),
        (f"https://{HOST}/v2/", HOST),
        (f"http://{HOST}/v1", HOST),
        ("Registry.Example:5000", HOST),
    ],
)
def test_names_are_written_in_many_ways(tmp_path: Path, key: str, registry: str) -> None:
    environ = {"REGISTRY_AUTH_FILE": str(write(tmp_path / "auth.json", auths={key: login()}))}
    assert found(environ, registry, "library/x") == ("me", SECRET)
    assert found(environ, "elsewhere.example") is None


def test_the_plain_name_goes_before_an_address(tmp_path: Path) -> None:
    auths = {f"https://{HOST}": login("address"), HOST: login("plain"), f"http://{HOST}/": login("other")}
    assert found({"REGISTRY_AUTH_FILE": str(write(tmp_path / "a", auths=auths))}) == ("plain", SECRET)


def test_tokens_and_passwords_with_colons_are_read(tmp_path: Path) -> None:
    auths = {
        "a": {**login("<token>", ""), "identitytoken": "identity"},
        "b": {"registrytoken": "ready"},
        "c": login("me", "a:b:ü\0\0"),
        "d": {"username": "me", "password": "plain"},
    }
    environ = {"REGISTRY_AUTH_FILE": str(write(tmp_path / "auth.json", auths=auths, other=1))}
    a, b = find_credentials("a", None, environ), find_credentials("b", None, environ)
    assert a is not None
    assert b is not None
    assert (a.username, a.identity.reveal()) == ("", "identity")
    assert b.bearer.reveal() == "ready"
    assert found(environ, "c") == ("me", "a:b:ü")
    assert found(environ, "d") == ("me", "plain")


def test_a_helper_for_a_registry_goes_before_the_store_and_that_before_entries(tmp_path: Path) -> None:
    environ = helper(tmp_path / "bin", "one", answer("one", SECRET))
    helper(tmp_path / "bin", "all", f'read -r s; [ "$s" = {HOST} ] && {answer("all", SECRET)} || exit 9')
    helper(tmp_path / "bin", "none", "echo 'credentials not found in native keychain'; exit 1")
    file = tmp_path / "auth.json"
    environ["REGISTRY_AUTH_FILE"] = str(file)
    write(file, auths={HOST: login("entry")}, credHelpers={HOST: "one"}, credsStore="all")
    assert found(environ) == ("one", SECRET)
    write(file, auths={HOST: login("entry")}, credHelpers={HOST: "none"}, credsStore="all")
    assert found(environ) == ("all", SECRET)
    write(file, auths={HOST: login("entry")}, credHelpers={HOST: "none"}, credsStore="none")
    assert found(environ) == ("entry", SECRET)


def test_a_helper_is_asked_with_get_and_the_server_on_its_input(tmp_path: Path) -> None:
    script = f'printf "%s|%s|%s|" "$*" "$(cat)" "$OWN" > {tmp_path}/asked; {answer("<token>", SECRET)}'
    environ = helper(tmp_path / "bin", "x", script) | {"OWN": "kept"}
    environ["REGISTRY_AUTH_FILE"] = str(write(tmp_path / "auth.json", credsStore="x"))
    credentials = find_credentials("docker.io", "library/x", environ)
    assert credentials is not None
    assert (tmp_path / "asked").read_text() == "get|https://index.docker.io/v1/|kept|"
    assert (credentials.username, credentials.identity.reveal()) == ("", SECRET)
    assert credentials.source == "docker-credential-x"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 3", "credentials.helper-failed"),
        ("echo the keyring is locked >&2; exit 1", "credentials.helper-failed"),
        (f"{answer('me', SECRET)}; exit 1", "credentials.helper-failed"),
        (f'echo \'{{"Username": 5, "Secret": "{SECRET}"}}\'', "credentials.helper-failed"),
        (f"echo {SECRET}", "credentials.helper-failed"),
        (None, "credentials.no-helper"),
    ],
)
def test_a_helper_that_fails_is_told_of_without_what_it_knows(tmp_path: Path, script: str | None, code: str) -> None:
    environ = helper(tmp_path / "bin", "x" if script else "y", script or "")
    environ["REGISTRY_AUTH_FILE"] = str(write(tmp_path / "auth.json", credHelpers={HOST: "x"}))
    with pytest.raises(CredentialsError) as caught:
        found(environ)
    assert caught.value.code == code
    assert SECRET not in repr(caught.value)
    assert "docker-credential-x" in str(caught.value)
    assert ("the keyring is locked" in str(caught.value)) is ("locked" in (script or ""))


@pytest.mark.parametrize(
    "text",
    [
        "{" + SECRET, f'{{"auths": "{SECRET}"}}', f'["{SECRET}"]', f'{{"auths": {{"a": "{SECRET}"}}}}',
        f'{{"auths": {{"a": {{"auth": "{SECRET}"}}}}}}', f'{{"auths": {{"a": {{"identitytoken": ["{SECRET}"]}}}}}}',
        '{"auths": {"a": {"auth": "' + base64.b64encode(SECRET.encode()).decode() + '"}}}',
        f'{{"credsStore": "/bin/{SECRET}"}}', f'{{"credHelpers": {{"a": "../{SECRET}"}}}}',
        f'{{"credHelpers": ["{SECRET}"]}}', "[" * 100000, f'{{"auths": {{"a": {{"auth": "\\{SECRET}"}}}}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_named_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "auth.json"
    file.write_text(text)
    with pytest.raises(DocumentError) as caught:
        found({"REGISTRY_AUTH_FILE": str(file)})
    assert caught.value.code == "credentials.bad-file"
    assert all(problem.where.startswith(str(file)) for problem in caught.value.problems)
    assert SECRET not in repr(caught.value) + str(caught.value.as_json())
    assert base64.b64encode(SECRET.encode()).decode() not in str(caught.value.as_json())


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    auths = {"a": {"auth": "!"}, "b": 5, "c": {"registrytoken": 1, "identitytoken": 2}}
    file = write(tmp_path / "auth.json", auths=auths, credsStore=7)
    with pytest.raises(DocumentError) as caught:
        found({"REGISTRY_AUTH_FILE": str(file)})
    assert len(caught.value.problems) == 5
