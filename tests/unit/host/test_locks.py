from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from bootworthy.errors import DeadlineError
from bootworthy.host import processes
from bootworthy.host.locks import locked, remove_if_free


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path), pytest.raises(DeadlineError) as caught, locked(path, timeout=0.1):
        pass
    assert caught.value.where == str(path)
    with locked(path, timeout=0.1):
        pass


def test_readers_share(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, shared=True), locked(path, shared=True, timeout=0.1):
        pass


def test_a_dead_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import os\n"
        "from pathlib import Path\n"
        "from bootworthy.host.locks import locked\n"
        f"with locked(Path({str(path)!r})):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = processes.run([sys.executable, "-c", program], env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert done.status == -9
    with locked(path, timeout=0.1):
        pass


def test_a_lock_file_that_nobody_holds_can_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert remove_if_free(path)
    with locked(path):
        assert not remove_if_free(path)
    assert remove_if_free(path)
    assert not path.exists()


def test_who_waits_for_a_lock_file_that_goes_makes_it_anew(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = threading.Event()

    def hold() -> None:
        with locked(path):
            held.set()
            assert path.exists()

    with locked(path):
        thread = threading.Thread(target=hold)
        thread.start()
        assert not held.wait(0.2)
        path.unlink()
    assert held.wait(20)
    thread.join()
