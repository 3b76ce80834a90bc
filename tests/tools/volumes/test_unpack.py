"""Odd images, unpacked by us and by umoci, and packed by GNU tar to be compared."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.oci import digest, documents
from bootworthy.oci.image import Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests import archive, odd_layers
from tests.archive import Fact
from tests.command import Command
from tests.faults import left_files, small
from tests.needs import need, need_root
from tests.oci_images import put_layer

IMAGE = "localhost/odd:1"


@pytest.fixture
def home(tmp_path: Path) -> Command:
    """A home that has one image, of every oddity."""
    home = Command.at(tmp_path / "home")
    store = Store(home.store)
    data = (odd_layers.added(), odd_layers.changed())
    layers = [Layer(store.put_bytes(each, documents.LAYER), digest.of(each)) for each in data]
    store.tag(Reference.parse(IMAGE), store.put_image(layers=layers, architecture=Architecture.X86_64))
    return home


def packed(folder: Path, out: Path) -> dict[bytes, Fact]:
    """All of a folder, as GNU tar sees it."""
    options = ["--format=posix", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--warning=no-file-ignored"]
    run(["tar", *options, "--sort=name", "-C", folder, "-cf", out, "."])
    return archive.below(archive.read(out), b".")


def test_as_root_umoci_and_we_agree(home: Command, tmp_path: Path) -> None:
    need("umoci", "tar")
    need_root("owners and devices")
    home("unpack", IMAGE, str(tmp_path / "ours"))
    run(["umoci", "unpack", "--image", f"{home.store}:{IMAGE}", tmp_path / "bundle"])
    ours = packed(tmp_path / "ours", tmp_path / "ours.tar")
    assert (b"user.empty", b"") in ours[b"odd/attributes"].xattrs
    ours[b"odd/attributes"] = replace(  # umoci leaves out an attribute without a value
        ours[b"odd/attributes"], xattrs=tuple(each for each in ours[b"odd/attributes"].xattrs if each[1])
    )
    theirs = packed(tmp_path / "bundle" / "rootfs", tmp_path / "theirs.tar")
    assert len(ours) > 30
    assert archive.differences(ours, theirs) == []


class TestDisks:
    def test_that_are_full(self, home: Command, tmp_path: Path) -> None:
        store = Store(home.store)
        data = os.urandom(8 << 20)
        image = store.put_image(layers=[put_layer(store, {"a": b"a", "big": data})], architecture=Architecture.X86_64)
        store.tag(Reference.parse("localhost/big:1"), image)
        full = home.under(*small(tmp_path / "full", "4m"))
        look = '"$@"; status=$?; find "$0" -mindepth 1; exit $status'
        for folder in ("full", "full/new"):
            argv = ("sh", "-c", look, str(tmp_path / "full"))
            done = full.under(*full.prefix, *argv)("unpack", "localhost/big:1", str(tmp_path / folder), status=10)
            assert "no space left on the disk" in done.stderr.decode()
            assert done.text == ""

    def test_limits_of_a_process(self, home: Command, tmp_path: Path) -> None:
        home("inspect", IMAGE)
        limited = home.under("prlimit", "--fsize=1000")
        limited("unpack", IMAGE, str(tmp_path / "out"), status=10)
        assert not (tmp_path / "out").exists()
        assert left_files(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_one_that_is_ended_leaves_no_half_folder(home: Command, tmp_path: Path, number: signal.Signals) -> None:
    store = Store(home.store)
    many = {f"{number // 100}/{number}": b"x" * 5000 for number in range(5_000)}
    image = store.put_image(layers=[put_layer(store, many)], architecture=Architecture.X86_64)
    store.tag(Reference.parse("localhost/many:1"), image)
    place = tmp_path / "place"
    place.mkdir()
    with home.running("unpack", "localhost/many:1", str(place / "out")) as process:
        while not list(place.glob(".out.*/[0-9]*")):
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(number)
        process.communicate(timeout=60)
    assert not (place / "out").exists()
    if number is not signal.SIGKILL:
        assert process.returncode == 130
        assert not list(place.iterdir())
    home("unpack", "localhost/many:1", str(place / "out"))
    assert sorted(path.name for path in place.iterdir() if path.name != "out.owners.json") == ["out"]
