"""Docker and Podman at what we push and save, and we at what they do. Docker of Debian 12 knows no OCI layouts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootworthy.host import processes
from bootworthy.oci.image import Image
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.command import Command
from tests.moved_images import put_bundle, put_image, put_index
from tests.needs import need
from tests.registry import DockerRegistry, docker, docker_registry

ONE, OTHER, BOTH, BUNDLE = "localhost/one:1", "localhost/other:2", "localhost/both:1", "localhost/bundle:1"
Engine = Callable[..., str]


@pytest.fixture(scope="module", params=["docker", "podman"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Runs `docker` or `podman`, and gives what it printed."""
    folder = tmp_path_factory.mktemp("e")
    if request.param == "docker":
        with docker(folder) as found:
            yield lambda *arguments: found(*arguments).text
        return
    need("podman", "conmon", "runc")
    policy = folder / ".config/containers/policy.json"  # the machine's may be absent or forbid what we do here
    policy.parent.mkdir(parents=True)
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    places = ["--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def run(verb: str, *arguments: str) -> str:
        insecure = ["--tls-verify=false"] if verb in {"pull", "push"} else []
        argv = ["podman", *places, verb, *insecure, *arguments]
        return processes.run(argv, env={"HOME": str(folder)}, timeout=120).text

    yield run


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("docker-registry")) as found:
        yield found


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Command:
    command = Command.at(tmp_path_factory.mktemp("home"))
    store = Store(command.store)
    store.tag(Reference.parse(ONE), put_image(store, seed=1))
    store.tag(Reference.parse(OTHER), put_image(store, seed=2))
    put_index(store, BOTH)
    put_bundle(store, BUNDLE)
    return command


def diff_ids(image: Image) -> list[str]:
    return [layer.diff_id for layer in image.layers]


def seen(engine: Engine, name: str) -> list[str]:
    """The diffIDs of an image that an engine has."""
    (found,) = json.loads(engine("image", "inspect", name))
    layers = found["RootFS"]["Layers"]
    assert isinstance(layers, list)
    return layers


@pytest.mark.parametrize("names", [[ONE], [ONE, OTHER]], ids=["one", "two"])
def test_they_load_what_we_save(engine: Engine, home: Command, names: list[str], tmp_path: Path) -> None:
    file = tmp_path / "ours.tar"
    home("save", *names, "-o", str(file))
    engine("load", "-i", str(file))
    for name in names:
        assert seen(engine, name) == diff_ids(Store(home.store).image(Reference.parse(name)))
    engine("rmi", *names)


@pytest.mark.parametrize("name", [BOTH, BUNDLE])
def test_they_load_one_platform_of_an_index(engine: Engine, home: Command, name: str, tmp_path: Path) -> None:
    """Of a bundle that is the root."""
    file = tmp_path / "ours.tar"
    native = Architecture.native()
    home("save", name, "--arch", native.value, "-o", str(file))
    engine("load", "-i", str(file))
    assert seen(engine, name) == diff_ids(Store(home.store).image(Reference.parse(name), native))
    engine("rmi", name)


def test_they_pull_what_we_push(engine: Engine, home: Command, registry: DockerRegistry) -> None:
    for name in (ONE, BOTH, BUNDLE):
        there = f"{registry.host}/pushed/{name.partition('/')[2]}"
        home("push", name, there)
        engine("pull", there)
        assert seen(engine, there) == diff_ids(Store(home.store).image(Reference.parse(name), Architecture.native()))
        engine("rmi", there)


def test_we_load_and_pull_what_they_have(
    engine: Engine, home: Command, registry: DockerRegistry, tmp_path: Path
) -> None:
    theirs, here = f"{registry.host}/theirs/one:1", Command.at(tmp_path / "here")
    home("push", ONE, theirs)
    engine("pull", theirs)
    engine("tag", theirs, f"{registry.host}/theirs/again:2")
    engine("push", f"{registry.host}/theirs/again:2")
    engine("save", "-o", str(tmp_path / "theirs.tar"), theirs)
    here("load", str(tmp_path / "theirs.tar"))
    here("pull", f"{registry.host}/theirs/again:2")
    here("images", "--verify")
    wanted = diff_ids(Store(home.store).image(Reference.parse(ONE)))
    for name in (theirs, f"{registry.host}/theirs/again:2"):
        assert diff_ids(Store(here.store).image(Reference.parse(name))) == wanted
    engine("rmi", theirs, f"{registry.host}/theirs/again:2")
