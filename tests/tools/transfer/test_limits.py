"""Moving images where there is little: memory, room on the disk, permission."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

from bootworthy.oci import documents
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.image import Layer
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.command import Command
from tests.faults import private, small
from tests.moved_images import blobs, left, put_image
from tests.registry import Basic, Registry

IMAGE = "localhost/large:1"
MEMORY = 150 << 20
LAYERS = 3


def put_large(store: Store, size: int) -> Descriptor:
    """Layers of this size each, which are no tar; nobody looks."""
    piece = random.Random(1).randbytes(1 << 20)
    layers = []
    for number in range(LAYERS):
        with store.new_blob(documents.LAYER_GZIP) as blob:
            blob.write(bytes([number]) * 512)
            for _ in range(size >> 20):
                blob.write(piece)
        layers.append(Layer(blob.descriptor, blob.descriptor.digest))
    image = store.put_image(layers=layers, architecture=Architecture.native())
    store.tag(Reference.parse(IMAGE), image)
    return image


def most_memory(command: Command, *arguments: str) -> int:
    """Bytes that a run of the program took at most (VmHWM, proc(5)): wait4(2) would count what started it, too."""
    most = 0
    with command.running(*arguments) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            most = max(most, int(found[1]) << 10 if found else 0)
            time.sleep(0.01)
        assert process.returncode == 0, process.communicate()
    assert most
    return most


def test_memory_does_not_grow_with_images(tmp_path: Path) -> None:
    home, here = Command.at(tmp_path / "home"), Command.at(tmp_path / "here")
    put_large(Store(home.store), 200 << 20)
    with Registry(folder=tmp_path / "registry") as one, Registry(folder=tmp_path / "other") as other:
        name = f"{one.host}/x:1"
        used = {
            "push": most_memory(home, "push", IMAGE, name, "--parallel", "16"),
            "copy": most_memory(home, "copy", f"docker://{name}", f"docker://{other.host}/x:1"),
            "pull": most_memory(here, "pull", name, "--parallel", "16"),
            "save": most_memory(here, "save", name, "-o", str(tmp_path / "large.tar")),
            "load": most_memory(home, "load", str(tmp_path / "large.tar")),
        }
    print({verb: count >> 20 for verb, count in used.items()})  # noqa: T201
    assert {verb: count >> 20 for verb, count in used.items() if count > MEMORY} == {}
    assert blobs(here.store) == blobs(home.store)


def test_no_room(tmp_path: Path) -> None:
    home, here = Command.at(tmp_path / "home"), Command.at(tmp_path / "here")
    put_large(Store(home.store), 4 << 20)
    with Registry() as registry:
        name = f"{registry.host}/x:1"
        home("push", IMAGE, name)
        full = here.under(*small(here.store, "6m"))
        words = full.fails(10, "pull", name)
        assert "no space left" in words
        assert str(here.store) in words
        home("save", IMAGE, "-o", str(tmp_path / "x.tar"))
        assert "no space left" in full.fails(10, "load", str(tmp_path / "x.tar"))
        (tmp_path / "out").mkdir()
        narrow = home.under(*small(tmp_path / "out", "6m"))
        assert "no space left" in narrow.fails(10, "save", IMAGE, "-o", str(tmp_path / "out/x.tar"))


def test_a_store_that_is_not_ours(tmp_path: Path) -> None:
    """Who has nothing to write there needs no permission; others are told."""
    home, here = Command.at(tmp_path / "home"), Command.at(tmp_path / "here")
    store = Store(home.store)
    for number in (1, 2):
        store.tag(Reference.parse(f"localhost/x:{number}"), put_image(store, seed=number))
    with Registry() as registry:
        for number in (1, 2):
            home("push", f"localhost/x:{number}", f"{registry.host}/x:{number}")
        here("pull", f"{registry.host}/x:1")
        mounts = f"mount --bind {here.store} {here.store}; mount -o remount,ro,bind {here.store}"
        closed = here.under(*private(mounts))
        assert '"blobs": 0' in closed("pull", f"{registry.host}/x:1", "--json").text
        assert "may not write here: this filesystem is read-only" in closed.fails(7, "pull", f"{registry.host}/x:2")
        assert '"blobs": 3' in closed("push", f"{registry.host}/x:1", f"{registry.host}/y:1", "--json").text
    assert left(here.store) == []


@pytest.mark.parametrize("verb", ["pull", "push"])
def test_secrets_are_in_no_message(tmp_path: Path, verb: str) -> None:
    home = Command.at(tmp_path / "home")
    store = Store(home.store)
    store.tag(Reference.parse("localhost/x:1"), put_image(store))
    auth = tmp_path / "auth.json"
    with Registry() as registry:
        registry.auth = Basic("me", "right")
        auth.write_text(f'{{"auths": {{"{registry.host}": {{"auth": "bWU6dzByZA=="}}}}}}')
        arguments = (
            ["pull", f"{registry.host}/x:1"] if verb == "pull" else ["push", "localhost/x:1", f"{registry.host}/x"]
        )
        words = home.under(REGISTRY_AUTH_FILE=str(auth))(*arguments, status=5).stderr.decode()
    assert "w0rd" not in words
    assert "bWU6" not in words
