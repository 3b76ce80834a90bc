from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bootworthy.errors import BuildError, DeadlineError, HostError
from bootworthy.host import processes


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def gone(pid: int) -> bool:
    for _ in range(200):
        if not alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_a_child_sees_a_clean_environment_and_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD_TEST", "x")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    done = processes.run(["sh", "-c", 'echo "$LC_ALL|$LD_PRELOAD_TEST|$OWN"; cat'], env={"OWN": "1"})
    assert done.text == "C.UTF-8||1\n"


def test_a_failure_has_its_last_words_and_the_line_to_paste() -> None:
    with pytest.raises(BuildError) as caught:
        processes.run(["sh", "-c", "echo 'no such thing' >&2; exit 3"])
    assert "exit status 3" in str(caught.value)
    assert "no such thing" in str(caught.value)
    assert caught.value.hint == """run it again: sh -c 'echo '"'"'no such thing'"'"' >&2; exit 3'"""


def test_a_signal_is_named() -> None:
    done = processes.run(["sh", "-c", "kill -SEGV $$"], check=False)
    assert done.ending() == "SIGSEGV"


def test_a_missing_program_is_the_hosts_fault() -> None:
    with pytest.raises(HostError) as caught:
        processes.run(["/nonexistent/program"])
    assert (caught.value.code, caught.value.exit_status) == ("tool.missing", 7)


def test_a_deadline_ends_the_whole_group(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(DeadlineError):
        processes.run(["sh", "-c", f"sleep 100 & echo $! > {pids}; wait"], timeout=0.5)
    assert gone(int(pids.read_text()))


def test_leaving_the_block_ends_a_child_that_ignores_being_asked(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    with processes.spawn(["sh", "-c", script], grace=0.2) as child:
        assert child.stdout.readline() == b"ready\n"
        pid = child.pid
    assert gone(pid)


def test_an_exception_in_the_block_ends_the_child() -> None:
    with pytest.raises(ZeroDivisionError), processes.spawn(["sleep", "100"]) as child:
        raise ZeroDivisionError
    assert gone(child.pid)


def test_a_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import time\n"
        "from bootworthy.host import processes\n"
        "with processes.spawn(['sleep', '100']) as child:\n"
        "    print(child.pid, flush=True)\n"
        "    time.sleep(100)\n"
    )
    with processes.spawn([sys.executable, "-c", program], env={"PYTHONPATH": os.pathsep.join(sys.path)}) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
        assert gone(pid)


def test_what_a_child_started_dies_with_a_killed_parent_too() -> None:
    program = (
        "import time\n"
        "from bootworthy.host import processes\n"
        "with processes.spawn(['sh', '-c', 'sleep 100 & echo $!; wait'], starts_others=True) as child:\n"
        "    print(child.stdout.readline().decode(), flush=True)\n"
        "    time.sleep(100)\n"
    )
    with processes.spawn([sys.executable, "-c", program], env={"PYTHONPATH": os.pathsep.join(sys.path)}) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        os.kill(parent.pid, signal.SIGKILL)
        assert gone(pid)


def test_a_watched_child_ends_like_any() -> None:
    assert processes.run(["sh", "-c", "echo said; exit 3"], check=False, starts_others=True).status == 3


def test_a_signal_that_comes_while_a_child_is_started_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python swallows what is raised in the hooks around a fork: the child is started, and then ended."""
    started: list[subprocess.Popen[bytes]] = []

    class Disturbed(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            signal.raise_signal(signal.SIGINT)
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Disturbed)
    with pytest.raises(KeyboardInterrupt), processes.spawn(["sleep", "100"]):
        pytest.fail("the block was entered")
    assert [process.returncode for process in started] == [-signal.SIGTERM]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_input_is_given() -> None:
    assert processes.run(["cat"], data=b"some bytes").stdout == b"some bytes"


def test_children_of_several_threads_do_not_hold_each_others_pipes() -> None:
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(processes.run(["echo", str(n)]).stdout)) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == [f"{n}\n".encode() for n in range(8)]


def test_modes_of_what_children_write_do_not_depend_on_the_caller(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        processes.run(["touch", tmp_path / "file"])
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o644
