"""Programs we did not write, at a bundle: they see an ordinary image in it, and its members by their own names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootworthy.builders import cells
from bootworthy.bundles import publish
from bootworthy.bundles.members import tag_members
from bootworthy.bundles.publish import Published
from bootworthy.host import processes
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.oci.transfer.copy import copy
from bootworthy.oci.transfer.local import StorePlace
from bootworthy.oci.transfer.remote import Registries
from bootworthy.vocabulary import Architecture
from tests import shelves
from tests.needs import need
from tests.registry import docker_registry


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return shelves.workshop(tmp_path).store


@pytest.fixture
def bundle(tmp_path: Path, store: Store) -> Published:
    """One with roots of both architectures: `docker run` on either finds its own."""
    need("skopeo", "umoci", "buildah")
    shelves.stock(store)
    both = [shelves.put(store, "root", one.value, one) for one in Architecture]
    store.tag(shelves.name("root"), store.put_index(both))
    arm = shelves.text().replace(
        "  fire: {vmm: firecracker, arch: x86_64}", "  fire: {vmm: firecracker, arch: aarch64}"
    )
    for role in ("kernel", "modules"):
        pair = [shelves.put(store, role, one.value, one) for one in Architecture]
        store.tag(shelves.name(role), store.put_index(pair))
    store.tag(shelves.name("initrd-fire"), shelves.put(store, "initrd", "arm", Architecture.AARCH64))
    catalog, workshop = shelves.read(arm), shelves.workshop(tmp_path)
    found = {cell: cells.obtain(workshop, catalog, cell) for cell in catalog.cells}
    (published,) = publish.publish(workshop, catalog, found)
    return published


def skopeo(*arguments: str) -> str:
    return processes.run(["skopeo", *arguments], timeout=120).text


@pytest.mark.parametrize("architecture", list(Architecture))
def test_skopeo_sees_the_root_of_each_architecture(store: Store, bundle: Published, architecture: Architecture) -> None:
    place = f"oci:{store.root}:{bundle.name}"
    seen = json.loads(skopeo("--override-arch", architecture.oci, "inspect", place))
    root = store.image(bundle.name, architecture)
    assert seen["Architecture"] == architecture.oci
    assert seen["Layers"] == [root.layers[0].descriptor.digest]
    assert json.loads(skopeo("inspect", "--raw", place))["artifactType"] == "application/vnd.bootworthy.bundle.v1+json"


def test_skopeo_copies_all_of_it_with_its_digest(tmp_path: Path, store: Store, bundle: Published) -> None:
    skopeo("copy", "--all", f"oci:{store.root}:{bundle.fixed}", f"oci:{tmp_path / 'copy'}:all")
    (entry,) = json.loads((tmp_path / "copy/index.json").read_bytes())["manifests"]
    assert entry["digest"] == bundle.digest


def test_skopeo_copies_each_member(tmp_path: Path, store: Store, bundle: Published) -> None:
    for suffix, name in bundle.members.items():
        arch = Architecture.AARCH64 if suffix == "initrd-fire" else Architecture.X86_64
        target = f"oci:{tmp_path / 'copy'}:{suffix}"
        skopeo("--override-arch", arch.oci, "copy", f"oci:{store.root}:{name}", target)
        seen = json.loads(skopeo("--override-arch", arch.oci, "inspect", target))
        assert seen["Digest"] == store.image(name, arch).descriptor.digest


def test_buildah_pulls_the_root(tmp_path: Path, store: Store, bundle: Published) -> None:
    own = ["--storage-driver=vfs", f"--root={tmp_path / 'images'}", f"--runroot={tmp_path / 'run'}"]
    name = processes.run(["buildah", *own, "pull", "--quiet", f"oci:{store.root}:{bundle.name}"]).text.strip()
    seen = json.loads(processes.run(["buildah", *own, "inspect", "--type", "image", name]).text)
    assert seen["OCIv1"]["rootfs"]["diff_ids"] == [store.image(bundle.name, Architecture.native()).layers[0].diff_id]


def test_umoci_unpacks_an_initial_ram_disk(tmp_path: Path, store: Store, bundle: Published) -> None:
    name = bundle.members["initrd-micro"]
    processes.run(["umoci", "unpack", "--rootless", "--image", f"{store.root}:{name}", str(tmp_path / "out")])
    assert (tmp_path / "out/rootfs/initrd.txt").read_text() == "initrd-micro"


def test_umoci_unpacks_a_root_that_was_chosen(tmp_path: Path, store: Store, bundle: Published) -> None:
    """umoci takes the first image or none: what a bundle has for this machine is copied out of it first."""
    skopeo("--override-arch", "amd64", "copy", f"oci:{store.root}:{bundle.name}", f"oci:{tmp_path / 'one'}:root")
    processes.run(["umoci", "unpack", "--rootless", "--image", f"{tmp_path / 'one'}:root", str(tmp_path / "out")])
    assert (tmp_path / "out/rootfs/root.txt").read_text() == "x86_64"


def test_through_a_registry_of_others(tmp_path: Path, store: Store, bundle: Published) -> None:
    with docker_registry(tmp_path / "registry") as registry:
        target = Reference.parse(f"{registry.host}/os/one:k1")
        place = Registries().place(target)
        report = copy(StorePlace(store), place, store.resolve(bundle.name), ("k1",))
        tags = tag_members(place, store.read(report.descriptor), "k1")
        assert set(tags) == {str(name.tag) for name in (bundle.fixed, *bundle.members.values())}
        away = "--tls-verify=false"
        seen = json.loads(skopeo("--override-arch", "arm64", "inspect", away, f"docker://{target}"))
        assert seen["Layers"] == [store.image(bundle.name, Architecture.AARCH64).layers[0].descriptor.digest]
        for suffix, name in bundle.members.items():
            raw = skopeo("inspect", "--raw", away, f"docker://{target.name}:k1-{suffix}").encode()
            assert raw == store.read(store.resolve(name))
