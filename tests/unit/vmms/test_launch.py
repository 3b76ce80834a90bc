from __future__ import annotations

from pathlib import Path

import pytest

from bootworthy.errors import HostError
from bootworthy.vmms import launch as launching
from bootworthy.vmms.launch import Running, launch
from tests.groups import alive


def console(running: Running) -> bytes:
    seen = b""
    while (data := running.read(10.0)) is not None:
        seen += data
    return seen


def test_console_and_the_vmms_own_words_are_kept_apart(tmp_path: Path) -> None:
    with launch(["sh", "-c", "echo guest; echo vmm >&2; exit 3"], tmp_path) as running:
        assert console(running) == b"guest\n"
        assert running.wait() == 3
        assert running.said() == "vmm"
    assert (tmp_path / "console.log").read_bytes() == b"guest\n"


def test_reading_does_not_wait_longer_than_it_may(tmp_path: Path) -> None:
    with launch(["sleep", "60"], tmp_path) as running:
        assert running.read(0.01) == b""
        pid = running.child.pid
    assert alive(pid) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_nothing_is_left_behind_however_it_ends(tmp_path: Path, error: type[BaseException]) -> None:
    pids = []

    def interrupted() -> None:
        with launch(["sh", "-c", "sleep 60 & echo up; wait"], tmp_path) as running:
            pids.append(running.child.pid)
            assert running.read(10.0) == b"up\n"
            raise error

    with pytest.raises(error):
        interrupted()
    assert alive(pids[0]) == []


def test_a_console_without_end_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "LONGEST_LOG", 100_000)
    with launch(["head", "-c", "500000", "/dev/zero"], tmp_path) as running:
        assert len(console(running)) == 500_000
    log = (tmp_path / "console.log").read_bytes()
    assert log[:100_000] == bytes(100_000)
    assert log[100_000:].strip().startswith(b"[the console log ends here")


def test_a_vmm_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError), launch([str(tmp_path / "none")], tmp_path):
        pass


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError), launch(["true"], tmp_path / "none"):
        pass
