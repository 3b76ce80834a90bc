"""What others make of what we move, and we of what they moved: skopeo and Debian's docker-registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootworthy.host import processes
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.command import Command
from tests.moved_images import OTHER, blobs, put_bundle, put_image, put_index
from tests.needs import need
from tests.registry import DockerRegistry, docker_registry

BOTH, ONE, BUNDLE = "localhost/both:1", "localhost/one:1", "localhost/bundle:1"
NATIVE = Architecture.native()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    need("skopeo")
    with docker_registry(tmp_path_factory.mktemp("docker-registry")) as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Command:
    command = Command.at(tmp_path_factory.mktemp("home"))
    store = Store(command.store)
    store.tag(Reference.parse(ONE), put_image(store, sizes=(10_000_000, 300)))
    put_index(store, BOTH)
    put_bundle(store, BUNDLE)
    return command


def skopeo(*arguments: str) -> str:
    return processes.run(["skopeo", "--insecure-policy", *arguments], timeout=120).text


def inspect(place: str, *options: str) -> dict[str, Any]:
    found = json.loads(skopeo(*options, "inspect", "--tls-verify=false", place))
    assert isinstance(found, dict)
    return found


def reports(text: str) -> list[dict[str, Any]]:
    found = json.loads(text)["images"]
    assert isinstance(found, list)
    return found


def test_what_we_push(home: Command, registry: DockerRegistry, tmp_path: Path) -> None:
    to = f"{registry.host}/pushed:v1"
    (report,) = reports(home("push", BOTH, to, "--json").text)
    assert report["moved"]["blobs"] == 6
    for each in Architecture:
        found = inspect(f"docker://{to}", "--override-arch", each.oci)
        assert found["Architecture"] == each.oci
    skopeo("copy", "--all", "--src-tls-verify=false", f"docker://{to}", f"oci:{tmp_path / 'theirs'}:x")
    assert blobs(tmp_path / "theirs").items() <= blobs(home.store).items()
    assert home("tags", f"{registry.host}/pushed").text == "v1\n"


def test_what_they_push(home: Command, registry: DockerRegistry, tmp_path: Path) -> None:
    to = f"{registry.host}/theirs"
    skopeo("copy", "--all", "--dest-tls-verify=false", f"oci:{home.store}:{BOTH}", f"docker://{to}:1")
    skopeo("copy", "--format", "v2s2", "--dest-tls-verify=false", f"oci:{home.store}:{ONE}", f"docker://{to}:docker")
    here = Command.at(tmp_path / "here")
    (report,) = reports(here("pull", f"{to}:1", "--all-platforms", "--json").text)
    assert report["digest"] == Store(home.store).resolve(Reference.parse(BOTH)).digest
    (report,) = reports(here("pull", f"{to}:docker", "--json").text)
    assert report["media-type"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert json.loads(here("images", "--json").text)["images"][0]["problem"] is None
    here("images", "--verify")
    here("convert", f"{to}:docker", "-o", str(tmp_path / "x.ext4"))


def test_registry_to_registry(home: Command, registry: DockerRegistry, tmp_path: Path) -> None:
    home("push", ONE, f"{registry.host}/from:1")
    far = f"docker://{registry.host}"
    with docker_registry(tmp_path / "second") as other:
        home("copy", f"{far}/from:1", f"docker://{other.host}/to:1")
        assert inspect(f"docker://{other.host}/to:1")["Digest"] == inspect(f"{far}/from:1")["Digest"]
    (report,) = reports(home("copy", f"{far}/from:1", f"{far}/mounted/here:1", "--json").text)
    assert (report["moved"]["blobs"], report["moved"]["bytes"]) == (0, 0)
    assert inspect(f"{far}/mounted/here:1")["Digest"] == inspect(f"{far}/from:1")["Digest"]


def test_a_bundle(home: Command, registry: DockerRegistry, tmp_path: Path) -> None:
    """The registry keeps it, others see an ordinary image, and we get root and kernel back."""
    to = f"{registry.host}/bundle:1"
    home("push", BUNDLE, to)
    assert inspect(f"docker://{to}", "--override-arch", OTHER.oci)["Architecture"] == OTHER.oci
    here = Command.at(tmp_path / "here")
    (report,) = reports(here("pull", to, "--json").text)
    assert (report["moved"]["blobs"], report["absent"]) == (5, [f"linux/{OTHER.oci}"])


def test_a_sparse_store_is_read(home: Command, registry: DockerRegistry, tmp_path: Path) -> None:
    to = f"{registry.host}/sparse:1"
    home("push", BOTH, to)
    here = Command.at(tmp_path / "here")
    here("pull", to)
    assert inspect(f"oci:{here.store}:{to}", "--override-arch", NATIVE.oci)["Architecture"] == NATIVE.oci
    here("gc", "--grace", "0")
    here("images", "--verify")
    skopeo("--override-arch", NATIVE.oci, "copy", f"oci:{here.store}:{to}", f"docker-archive:{tmp_path / 'd.tar'}")


def test_what_we_save(home: Command, tmp_path: Path) -> None:
    file = tmp_path / "all.tar"
    home("save", BOTH, ONE, "-o", str(file))
    whole = inspect(f"oci-archive:{file}:{ONE}")
    assert whole["Digest"] == Store(home.store).resolve(Reference.parse(ONE)).digest
    assert inspect(f"oci-archive:{file}:{BOTH}", "--override-arch", OTHER.oci)["Architecture"] == OTHER.oci
    listed = processes.run(["tar", "-tf", str(file)], timeout=60).text.split()
    assert listed == sorted(listed)


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_what_they_save(home: Command, tmp_path: Path, kind: str) -> None:
    file, name = tmp_path / "theirs.tar", "localhost/named:7"
    skopeo("copy", f"oci:{home.store}:{ONE}", f"{kind}:{file}:{name}")
    here = Command.at(tmp_path / "here")
    (report,) = reports(here("load", str(file), "--json").text)
    assert report["names"] == [name]
    here("images", "--verify")
    here("unpack", name, str(tmp_path / "out"), "--plain")
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert there == {"file-0", "file-1"}
    (report,) = reports(here("load", str(file), "--as", "localhost/other:8", "--json").text)
    assert (report["names"], report["moved"]["blobs"]) == (["localhost/other:8"], 0)
    # from the archive straight to another place, in memory
    here("copy", f"{kind}:{file}:{name}", f"oci:{tmp_path / 'layout'}:x")
    assert inspect(f"oci:{tmp_path / 'layout'}:x")["Digest"] == report["digest"]


def test_deleting(home: Command, registry: DockerRegistry) -> None:
    """Debian's registry takes no tags away, and says so; by digest it deletes."""
    to = f"docker://{registry.host}/deleted"
    (report,) = reports(home("copy", ONE, f"{to}:1", "--json").text)
    home.fails(1, "rm", f"{to}:1", "--yes")
    assert home("tags", f"{registry.host}/deleted").text == "1\n"
    home("rm", f"{to}@{report['digest']}", "--yes")
    home("pull", f"{to}:1", status=9)
