"""What moves images is killed at ten moments each: nothing is wrong afterwards, and the next run completes it.

`soak/test_transfers.py` does the same a hundred times.
"""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from bootworthy.oci.store import Store
from tests import transfer_kills as kills
from tests.command import Command
from tests.moved_images import left
from tests.registry import Registry, faults

ROUNDS = 10


def test_pull(tmp_path: Path) -> None:
    assert kills.pulls(tmp_path, ROUNDS, 1) >= ROUNDS // 3


def test_push(tmp_path: Path) -> None:
    assert kills.pushes(tmp_path, ROUNDS, 2) >= ROUNDS // 2


def test_copy(tmp_path: Path) -> None:
    assert kills.copies(tmp_path, ROUNDS, 3) >= ROUNDS // 2


def test_load(tmp_path: Path) -> None:
    assert kills.loads(tmp_path, ROUNDS, 4) >= ROUNDS // 3


def test_gc(tmp_path: Path) -> None:
    assert kills.collections(tmp_path, ROUNDS, 5) >= ROUNDS // 3


def test_ctrl_c_while_nothing_comes(tmp_path: Path) -> None:
    """It is heard at once, and what came is kept."""
    command, _ = kills.made(tmp_path / "made")
    with Registry() as registry:
        command("push", kills.IMAGE, f"{registry.host}/x:1")
        registry.faults = [faults.stalled(1_500_000, path="/blobs/", times=None)]
        here = Command.at(tmp_path / "here")
        with here.running("pull", f"{registry.host}/x:1") as process:
            while kills.occupied(here.store) < 1_000_000:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        assert process.returncode == 130
        assert said.endswith(b"interrupted\n")
        registry.faults = []
        assert left(here.store)
        here("pull", f"{registry.host}/x:1")
        assert left(here.store) == []


def test_whoever_waits_takes_over(tmp_path: Path) -> None:
    """The first is killed in the middle of a blob; the second goes on with what it had."""
    command, image = kills.made(tmp_path / "made")
    with Registry() as registry:
        command("push", kills.IMAGE, f"{registry.host}/x:1")
        largest = Store(command.store).image(image).layers[0].descriptor
        registry.faults = [faults.stalled(2_000_000, path=largest.digest)]
        here = Command.at(tmp_path / "here")
        with here.running("pull", f"{registry.host}/x:1") as first:
            while kills.occupied(here.store) < 2_000_000:
                assert first.poll() is None
                time.sleep(0.01)
            with here.running("pull", f"{registry.host}/x:1", "--json") as second:
                while len(registry.asked("HEAD", "/manifests/1")) < 2:
                    assert second.poll() is None
                    time.sleep(0.01)
                first.kill()
                out, said = second.communicate(timeout=60)
                assert second.returncode == 0, said
        asked = [each.headers.get("range") for each in registry.asked("GET", largest.digest)]
    assert len(asked) == 2
    assert asked[0] is None
    assert asked[1] is not None
    start = int(asked[1].removeprefix("bytes=").rstrip("-"))
    (report,) = json.loads(out)["images"]
    assert report["there"]["bytes"] >= start >= 1_000_000
    kills.sound(here, f"{registry.host}/x:1", there=True)
    assert left(here.store) == []


def test_ten_at_once_download_once(tmp_path: Path) -> None:
    asked = kills.crowd(tmp_path, 10)
    assert len(asked) == len(kills.SIZES) + 1
    assert set(asked.values()) == {1}
