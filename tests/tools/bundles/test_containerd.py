"""Debian's containerd at what we push and save: every role of a bundle by tag and by digest, mounted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from tests import shelves
from tests.command import Command
from tests.mounts import need_mount
from tests.registry import Containerd, DockerRegistry, containerd, docker_registry

MEMBERS = {"": "root", "-kernel": "kernel", "-modules": "modules", "-initrd-micro": "initrd", "-initrd-fire": "initrd"}
"""What is behind the tag of the bundle, and the role that it brings."""


class Shelf(NamedTuple):
    """A bundle that was pushed, as a person pushes it."""

    home: Command
    registry: DockerRegistry
    name: str


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("shelf")
    with docker_registry(folder / "registry") as registry:
        home = Command.at(folder / "home")
        images = shelves.stock(Store(home.store))
        assert images.keys() == set(shelves.ROLES)
        path = folder / "bootworthy.yaml"
        path.write_text(shelves.text().replace("registry.example/os", f"{registry.host}/os"))
        home("build", cwd=folder)
        name = f"{registry.host}/os/one:k1"
        home("push", name)
        yield Shelf(home, registry, name)


@pytest.fixture(scope="module", params=["native", "overlayfs"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containerd]:
    if request.param == "overlayfs":
        need_mount("overlay")
    with containerd(tmp_path_factory.mktemp("c"), request.param) as found:
        yield found


@contextlib.contextmanager
def mounted(engine: Containerd, name: str, target: Path) -> Iterator[Path]:
    target.mkdir()
    engine.ctr("images", "mount", "--snapshotter", engine.snapshotter, name, str(target))
    try:
        yield target
    finally:
        engine.ctr("images", "unmount", "--rm", "--snapshotter", engine.snapshotter, str(target))


def digest_of(engine: Containerd, name: str) -> str:
    """What containerd calls an image that it has."""
    (line,) = [each for each in engine.ctr("images", "ls").text.splitlines() if each.split()[0] == name]
    return line.split()[2]


@pytest.mark.parametrize("suffix", MEMBERS, ids=["root", *(suffix.strip("-") for suffix in MEMBERS if suffix)])
def test_each_role_by_tag_and_by_digest(shelf: Shelf, engine: Containerd, suffix: str, tmp_path: Path) -> None:
    store = Store(shelf.home.store)
    tagged = Reference.parse(shelf.name + suffix)
    index, image = store.resolve(tagged), store.image(tagged)
    names = {
        str(tagged): index.digest,
        f"{tagged.name}@{index.digest}": index.digest,
        f"{tagged.name}@{image.descriptor.digest}": image.descriptor.digest,
    }
    for number, (name, digest) in enumerate(names.items()):
        engine.pull(name)
        assert digest_of(engine, name) == digest
        with mounted(engine, name, tmp_path / str(number)) as root:
            role = MEMBERS[suffix]
            content = suffix.strip("-") or "root"
            assert (root / f"{role}.txt").read_text() == content
        engine.ctr("images", "rm", name)


def test_what_we_save(shelf: Shelf, engine: Containerd, tmp_path: Path) -> None:
    """Names and digests are the same there; each is unpacked from the archive alone."""
    store = Store(shelf.home.store)
    names = [shelf.name + suffix for suffix in MEMBERS]
    file = tmp_path / "all.tar"
    shelf.home("save", *names, "-o", str(file))
    engine.ctr("images", "import", "--snapshotter", engine.snapshotter, str(file))
    for name, role in zip(names, MEMBERS.values(), strict=True):
        assert digest_of(engine, name) == store.resolve(Reference.parse(name)).digest
        with mounted(engine, name, tmp_path / name.rpartition("/")[2]) as root:
            assert (root / f"{role}.txt").exists()
    engine.ctr("images", "rm", *names)


def test_what_it_exports_and_pushes(shelf: Shelf, engine: Containerd, tmp_path: Path) -> None:
    """The other way: we load its archive, and pull what it pushed, with the same digests."""
    name, file = shelf.name, tmp_path / "theirs.tar"
    engine.pull(name, "--all-platforms")
    engine.ctr("images", "export", "--all-platforms", str(file), name)
    pushed = f"{shelf.registry.host}/theirs/one:1"
    engine.ctr("images", "push", "--plain-http", pushed, name)
    here = Command.at(tmp_path / "here")
    here("load", str(file))
    here("pull", pushed, "--all-platforms")
    here("images", "--verify")
    digest = Store(shelf.home.store).resolve(Reference.parse(name)).digest
    for each in (name, pushed):
        assert Store(here.store).resolve(Reference.parse(each)).digest == digest
    engine.ctr("images", "rm", name)
