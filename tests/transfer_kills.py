"""Kills (SIGKILL) of what moves images, at moments that are chosen by what a registry, or the store, has seen."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

from bootworthy.oci.documents import Descriptor
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from tests.command import Command
from tests.moved_images import blobs, left, put_image
from tests.registry import Registry, faults
from tests.registry.faults import Fault
from tests.registry.faults.core import Proceed
from tests.registry.messages import Answer, Broken, Ending, Manner, Request

SIZES = (2_500_000, 900_000, 300_000, 40_000, 100)
IMAGE = "localhost/made:1"
PATIENCE = 60.0
LITTER = 1000
"""Blobs that a clean-up removes."""


class Frozen:
    """A moment at which a registry stops: so many bytes into one of its requests."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.over = threading.Event()

    def answer(self, number: int, at: int) -> Fault:
        """In the answer to the n-th request for a blob."""

        def act(request: Request, proceed: Proceed) -> Answer:
            answer = proceed(request)
            self.reached.set()
            return replace(answer, manner=Manner(cut=min(at, answer.size - 1), ending=Ending.HANG))

        return Fault(act, method="GET", path="/blobs/", first=number)

    def request(self, number: int, at: int) -> Fault:
        """In the n-th request that brings something, or before its answer."""

        def act(request: Request, proceed: Proceed) -> Answer:
            request.body.breaks_after = max(1, at)
            try:
                proceed(request)
            finally:
                self.reached.set()
                self.over.wait(PATIENCE)
            raise Broken

        return Fault(act, method="POST|PATCH|PUT", path="/uploads/|/manifests/", first=number)


def made(folder: Path) -> tuple[Command, Descriptor]:
    """A home with an image that is worth killing for."""
    command = Command.at(folder)
    store = Store(command.store)
    image = put_image(store, sizes=SIZES)
    store.tag(Reference.parse(IMAGE), image)
    return command, image


def sound(command: Command, name: str, *, there: bool) -> None:
    """No blob of a store is wrong, as we and a person see it, and an image that has a name is whole."""
    blobs(command.store)
    command("images", "--verify")
    store = Store(command.store)
    images = {each.name: each for each in store.images()}
    assert all(each.problem is None for each in images.values())
    assert (name in images) == there
    if there:
        assert store.missing(images[name].descriptor) == ()


def pulls(folder: Path, rounds: int, seed: int) -> int:
    """Kill pulls; how many went on with what an earlier one had."""
    chance = random.Random(seed)
    resumed = 0
    command, image = made(folder / "made")
    with Registry() as registry:
        name = f"{registry.host}/made:1"
        command("push", IMAGE, name)
        whole = blobs(command.store)
        for number in range(rounds):
            here = Command.at(folder / f"pull-{number}")
            for _ in range(chance.choice([1, 1, 2])):
                moment = Frozen()
                registry.faults = [moment.answer(chance.randint(1, 6), chance.randrange(SIZES[0]))]
                if moment_passed(here, ["pull", name], moment, chance.random() / 3):
                    break
                sound(here, name, there=False)
            registry.faults = []
            log = len(registry.log)
            done = json.loads(here("pull", name, "--json").text)["images"][0]
            ranges = [each for each in registry.log[log:] if "range" in each.headers]
            resumed += bool(ranges)
            assert done["digest"] == image.digest
            sound(here, name, there=True)
            assert left(here.store) == []
            assert blobs(here.store) == whole
    return resumed


def moment_passed(command: Command, arguments: list[str], moment: Frozen, pause: float) -> bool:
    """Kill it at a moment; or it had ended before that came, as when all was there."""
    with command.running(*arguments) as process:
        limit = time.monotonic() + PATIENCE
        while not moment.reached.wait(0.02) and process.poll() is None:
            assert time.monotonic() < limit
        ended = process.poll() is not None
        if not ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(pause)
        process.kill()
        _, said = process.communicate()
        moment.over.set()
    assert b"Traceback" not in said
    return ended


def pushes(folder: Path, rounds: int, seed: int) -> int:
    """Kill pushes; how many of them."""
    chance = random.Random(seed)
    kills = 0
    command, image = made(folder / "made")
    with Registry() as registry:
        whole = blobs(command.store)
        for number in range(rounds):
            name = f"r{number}"
            moment = Frozen()
            registry.faults = [moment.request(chance.randint(1, 10), chance.randrange(SIZES[0]))]
            to = f"{registry.host}/{name}:1"
            if not moment_passed(command, ["push", IMAGE, to], moment, chance.random() / 3):
                kills += 1
                assert_invisible(registry, name)
            registry.faults = []
            command("push", IMAGE, to)
            assert_whole(registry, name, image, whole)
            sound(command, IMAGE, there=True)
    return kills


def copies(folder: Path, rounds: int, seed: int) -> int:
    """Kill copies from registry to registry; how many of them."""
    chance = random.Random(seed)
    kills = 0
    command, image = made(folder / "made")
    with Registry() as one, Registry() as other:
        whole = blobs(command.store)
        command("push", IMAGE, f"{one.host}/made:1")
        for number in range(rounds):
            here, name = Command.at(folder / f"copy-{number}"), f"r{number}"
            arguments = ["copy", f"docker://{one.host}/made:1", f"docker://{other.host}/{name}:1"]
            moment = Frozen()
            at = chance.randrange(SIZES[0])
            one.faults, other.faults = [], []
            if chance.random() < 0.5:
                one.faults = [moment.answer(chance.randint(1, 6), at)]
            else:
                other.faults = [moment.request(chance.randint(1, 10), at)]
            if not moment_passed(here, arguments, moment, chance.random() / 3):
                kills += 1
                assert_invisible(other, name)
            one.faults, other.faults = [], []
            here(*arguments)
            assert_whole(other, name, image, whole)
            assert not here.store.exists()
    return kills


def loads(folder: Path, rounds: int, seed: int) -> int:
    """Kill loads when the store has so many bytes; how many of them."""
    chance = random.Random(seed)
    kills = 0
    command, _ = made(folder / "made")
    whole = blobs(command.store)
    command("save", IMAGE, "-o", str(folder / "made.tar"))
    for number in range(rounds):
        here = Command.at(folder / f"load-{number}")
        enough = chance.randrange(sum(SIZES))
        with here.running("load", str(folder / "made.tar")) as process:
            while process.poll() is None and occupied(here.store) < enough:
                time.sleep(0.0005)
            process.kill()
            process.communicate()
        kills += process.returncode == -signal.SIGKILL
        here("images", "--verify")
        assert all(each.problem is None for each in Store(here.store).images())
        here("load", str(folder / "made.tar"))
        sound(here, IMAGE, there=True)
        assert left(here.store) == []
        assert blobs(here.store) == whole
    return kills


def collections(folder: Path, rounds: int, seed: int) -> int:
    """Kill clean-ups, at any moment and when so many blobs are gone, while a pull is at work; how many of them."""
    chance = random.Random(seed)
    kills = 0
    command, image = made(folder / "made")
    whole = blobs(command.store)
    with Registry() as registry:
        name = f"{registry.host}/made:1"
        command("push", IMAGE, name)
        litter(Store(command.store))
        every = len(blobs(command.store))
        for number in range(rounds):
            here = Command.at(folder / f"gc-{number}")
            shutil.copytree(command.store, here.store, copy_function=os.link)
            registry.faults = [faults.slow(1_000_000, 0.05, path="/blobs/", times=None)]
            with here.running("pull", name) as pull, here.running("gc", "--grace", "0") as process:
                if chance.random() < 0.5:
                    enough = chance.randrange(len(whole), every)
                    while process.poll() is None and len(os.listdir(here.store / "blobs/sha256")) > enough:
                        time.sleep(0.0002)
                else:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(chance.random() / 2)
                process.kill()
                _, said = process.communicate()
                assert b"Traceback" not in said
                _, said = pull.communicate(timeout=PATIENCE)
                assert pull.returncode == 0, said
            kills += process.returncode == -signal.SIGKILL
            sound(here, IMAGE, there=True)
            sound(here, name, there=True)
            here("gc", "--grace", "0")
            assert blobs(here.store) == whole
            assert left(here.store) == []
            assert [path.name for path in (here.store / ".leases").iterdir()] == ["gate"]
            sound(here, IMAGE, there=True)
            assert Store(here.store).resolve(Reference.parse(name)).digest == image.digest
    return kills


def litter(store: Store) -> None:
    """Blobs that no name reaches, and what others left that were killed."""
    for number in range(LITTER):
        store.put_bytes(b"%d" % number, "application/octet-stream")
    partial = store.root / ".partial"
    partial.mkdir(exist_ok=True)
    (partial / f"download-sha256-{'a' * 64}").write_bytes(bytes(100_000))
    (partial / "blob-left").write_bytes(bytes(1000))


def occupied(root: Path) -> int:
    """Bytes of whole and partial blobs."""
    total = 0
    for path in (*root.glob("blobs/*/*"), *root.glob(".partial/*")):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


def assert_invisible(registry: Registry, name: str) -> None:
    """There is no such image, or all of it is there: the kill came between the last byte and its answer."""
    found = registry.storage.manifest(name, "1")
    assert found is None or registry.storage.missing(name, found[1]) == []


def assert_whole(registry: Registry, name: str, image: Descriptor, whole: dict[str, int]) -> None:
    """The image is there, and each blob of it is what it is called."""
    found = registry.storage.manifest(name, "1")
    assert found is not None
    assert found[0] == image.digest
    assert registry.storage.missing(name, found[1]) == []
    for digest in registry.storage.repository(name).blobs:
        content = registry.storage.blob(name, digest)
        assert isinstance(content, bytes)
        assert len(content) == whole[digest]


def crowd(folder: Path, people: int) -> dict[str, int]:
    """So many pulls of one image into one store at the same time; how often each blob was asked for."""
    slowly = faults.slow(200_000, 0.01, path="/blobs/", times=None)
    command, image = made(folder / "made")
    with Registry([slowly]) as registry, contextlib.ExitStack() as stack:
        name = f"{registry.host}/made:1"
        command("push", IMAGE, name)
        here = Command.at(folder / "here")
        log = len(registry.log)
        crowd = [stack.enter_context(here.running("pull", name, "--json")) for _ in range(people)]
        reports = []
        for each in crowd:
            out, said = each.communicate(timeout=600)
            assert each.returncode == 0, said
            reports.append(json.loads(out)["images"][0])
        asked = [each.target.rpartition("/")[2] for each in registry.log[log:] if "/blobs/" in each.target]
        sound(here, name, there=True)
        assert blobs(here.store) == blobs(command.store)
        assert left(here.store) == []
        assert {each["digest"] for each in reports} == {image.digest}
        assert sum(each["moved"]["blobs"] for each in reports) == len(SIZES) + 1
    return {digest: asked.count(digest) for digest in asked}
