"""A Debian that is built twice is the same to the last byte, however it travels; other people's tools read it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bootworthy.host import processes
from bootworthy.layers import flatten
from bootworthy.oci import sources
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.volumes.convert import sparse_digest
from tests import archive
from tests.command import Command
from tests.conftest import QEMU
from tests.needs import need, need_root

CELL = QEMU[0]
ROOT = "localhost/bootworthy/debian-12:debian-6.1"


@dataclass(frozen=True)
class Once:
    """One build in a home of its own."""

    home: Command
    images: dict[str, str]
    digests: dict[str, str]

    def volume(self, image: str, name: str, *options: str) -> str:
        """Digest of a volume of an image."""
        path = self.home.folder / name
        self.home("convert", image, "-o", str(path), *options)
        found = sparse_digest(path)
        path.unlink()
        return found


def build(home: Command) -> Once:
    done = home("build", CELL, "--json", timeout=900)
    (cell,) = json.loads(done.text)["cells"]
    assert cell["reasons"], "nothing was built"
    return Once(home, cell["images"], cell["digests"])


@pytest.fixture(scope="module")
def twice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Once, Once]:
    """The same cell, built one after the other: at another time, under another path, umask, time zone and locale."""
    need("mmdebstrap", "depmod")
    folder = tmp_path_factory.mktemp("twice")
    if "BOOTWORTHY_TEST_HOME" in os.environ:  # what is kept there may be older than what the mirror has now
        first = build(Command.at(folder / "first"))
    else:
        cell = request.getfixturevalue("built")[CELL]
        first = Once(request.getfixturevalue("home"), cell["images"], cell["digests"])
    masked = Command.at(folder / "with spaces and more").under(
        "sh", "-c", 'umask 077 && exec "$@"', "sh", TZ="Asia/Kathmandu", LC_ALL="C", LANG="C"
    )  # fmt: skip
    return first, build(masked)


def test_every_image_is_the_same(twice: tuple[Once, Once]) -> None:
    first, second = twice
    assert set(first.digests) == {"root", "kernel", "modules", "initrd"}
    assert first.digests == second.digests


@pytest.mark.parametrize("role", ["root", "modules"])
@pytest.mark.parametrize("profile", ["full", "lean"])
def test_every_volume_is_the_same(twice: tuple[Once, Once], role: str, profile: str) -> None:
    one, other = (each.volume(each.images[role], "volume", "--profile", profile) for each in twice)
    assert one == other


def test_skopeo_reads_the_store(twice: tuple[Once, Once]) -> None:
    need("skopeo")
    store = Store(twice[0].home.store)
    for role, reference in twice[0].images.items():
        found = json.loads(processes.run(["skopeo", "inspect", f"oci:{store.root}:{reference}"]).text)
        image = store.image(Reference.parse(reference).at(twice[0].digests[role]))
        assert found["Layers"] == [layer.descriptor.digest for layer in image.layers]
        assert (found["Os"], found["Architecture"]) == ("linux", "amd64")


def test_every_member_of_the_bundle_is_the_same(twice: tuple[Once, Once]) -> None:
    """The bundle itself also has what was built for other machines, which may not be the same in both homes."""
    names = [Reference.parse(f"{ROOT}-{suffix}") for suffix in ("kernel", "modules", f"initrd-{CELL.split('/')[2]}")]
    first, second = (Store(each.home.store) for each in twice)
    assert [first.resolve(name) for name in names] == [second.resolve(name) for name in names]


def test_a_volume_is_the_same_however_its_image_travelled(twice: tuple[Once, Once], tmp_path: Path) -> None:
    need("skopeo")
    first, _ = twice
    source = f"oci:{first.home.store}:{ROOT}"
    places = [f"oci:{tmp_path / 'layout'}:root", f"oci-archive:{tmp_path / 'oci.tar'}:root"]
    places.append(f"docker-archive:{tmp_path / 'docker.tar'}:example.test/root:1")
    for place in places:
        processes.run(["skopeo", "copy", "--insecure-policy", "--quiet", source, place])
    wanted = first.volume(ROOT, "volume")
    for place in places[:2]:
        assert first.volume(place, "volume") == wanted
    # Docker's format has a configuration of its own, from which the volume's UUID derives: the content is the same.
    assert first.volume(places[2], "volume") == first.volume(places[2], "again")


def test_umoci_unpacks_what_we_merge(twice: tuple[Once, Once], tmp_path: Path) -> None:
    need("skopeo", "umoci", "tar")
    need_root("the files belong to many")
    first, _ = twice
    started = int(time.time())
    processes.run(
        ["skopeo", "copy", "--insecure-policy", "--quiet", f"oci:{first.home.store}:{ROOT}", f"oci:{tmp_path / 'i'}:t"]
    )
    processes.run(["umoci", "unpack", "--image", f"{tmp_path / 'i'}:t", tmp_path / "bundle"])
    packed = tmp_path / "packed.tar"
    options = ["--format=posix", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--sort=name"]
    processes.run(["tar", *options, "--transform=s,^rootfs,v,S", "-C", tmp_path / "bundle", "-cf", packed, "rootfs"])
    theirs = archive.below(archive.read(packed), b"v")
    tree = flatten.tree_of(sources.open_source(ROOT, Store(first.home.store)), tmp_path / "layers")
    ours = archive.of_tree(tree)
    touched = {name for name, fact in theirs.items() if fact.mtime >= started * 10**9}
    assert len(touched) < 20
    # umoci gives folders that no layer describes, or that a layer adds to, the time of now.
    assert all(theirs[name].kind == "directory" for name in touched)
    both = (
        {name: replace(fact, mtime=fact.mtime * (name not in touched)) for name, fact in each.items()}
        for each in (ours, theirs)
    )
    assert archive.differences(*both) == []
