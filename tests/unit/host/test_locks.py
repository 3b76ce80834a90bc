from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bootworthy.errors import DeadlineError
from bootworthy.host import processes
from bootworthy.host.locks import locked


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
