from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from bootworthy.errors import HostError, SpaceError
from bootworthy.host import files, processes


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    with files.atomic(path) as file:
        file.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert os.listdir(path.parent) == ["file"]


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(ZeroDivisionError), files.atomic(path) as file:
        file.write(b"half of i")
        raise ZeroDivisionError
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["file"]


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(SpaceError) as caught, files.writing(tmp_path / "file"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.exit_status == 10
    assert "MiB free" in str(caught.value)


def test_a_really_full_device_is_noticed() -> None:
    with pytest.raises(SpaceError), files.writing(Path("/dev/full")), Path("/dev/full").open("wb", buffering=0) as full:
        full.write(b"x")


def test_a_folder_that_is_a_file_is_the_hosts_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((HostError, FileExistsError)), files.atomic(tmp_path / "file" / "inside"):
        pass


@pytest.mark.parametrize("path", [Path("/dev/null"), Path("/proc"), Path("/dev/full")])
def test_what_is_no_file_is_left_alone(path: Path) -> None:
    before = path.lstat()
    with pytest.raises(HostError) as caught, files.atomic(path) as file:
        file.write(b"x")
    assert caught.value.code == "disk.not-a-file"
    assert (path.lstat().st_mode, path.lstat().st_rdev) == (before.st_mode, before.st_rdev)


def test_a_folder_that_takes_no_files_is_said() -> None:
    with pytest.raises(HostError), files.atomic(Path("/proc/x")) as file:
        file.write(b"x")


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("file")
    files.write(tmp_path / "link", b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"x"


def test_scratch_space_goes_away(tmp_path: Path) -> None:
    with files.scratch(tmp_path / "parent") as folder:
        (folder / "file").write_bytes(b"x")
    assert not folder.exists()


_KILLED = """\
import os, sys, time
from pathlib import Path
from bootworthy.host import files
folder = Path(sys.argv[1])
with files.scratch(folder, prefix="made-") as space, files.atomic(folder / "file") as file:
    (space / "in it").write_text("half")
    file.write(b"half")
    file.flush()
    print("begun", flush=True)
    time.sleep(100)
"""


def begun(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir() if path.suffix in {".partial", ".scratch"})


def test_what_somebody_left_who_was_killed_is_removed_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    program = [sys.executable, "-c", _KILLED, str(tmp_path)]
    with processes.spawn(program, env={"PYTHONPATH": os.pathsep.join(sys.path)}) as child:
        assert child.stdout.readline() == b"begun\n"
        with files.scratch(tmp_path, prefix="made-"), files.atomic(tmp_path / "file"):
            assert begun(tmp_path) == [".partial", ".partial", ".scratch", ".scratch"]
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
        assert begun(tmp_path) == [".partial", ".scratch"]
        (tmp_path / "made-by-somebody").mkdir()
        with files.scratch(tmp_path, prefix="made-"):
            files.write(tmp_path / "file", b"whole")
            assert begun(tmp_path) == [".scratch"]
    assert {path.name for path in tmp_path.iterdir()} == {"file", "made-by-somebody"}


def test_what_was_abandoned_is_told_from_what_is_in_use(tmp_path: Path) -> None:
    (tmp_path / ".partial").mkdir()
    (tmp_path / "own.json").touch()
    left = [tmp_path / ".other.x.partial", tmp_path / "made-x.scratch"]
    left[0].touch()
    (left[1] / "deep").mkdir(parents=True)
    with files.scratch(tmp_path, prefix="used-") as used, files.atomic(tmp_path / "file"):
        assert files.abandoned(tmp_path) == left
        assert files.abandoned(tmp_path, prefix="made-") == left[1:]
        assert not files.remove_abandoned(used)
        assert [files.remove_abandoned(path) for path in left] == [True, True]
        assert files.abandoned(tmp_path) == []
        assert used.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".partial", "file", "own.json"]
    assert files.abandoned(tmp_path / "nowhere") == []
