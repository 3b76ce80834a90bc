from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from bootworthy.host.leases import Lease, cleaning

HOLDS = """
import sys, time
from pathlib import Path
from bootworthy.host.leases import Lease
lease = Lease(Path(sys.argv[1]))
lease.hold("a", "b")
print("held", flush=True)
time.sleep(60)
"""


def held(folder: Path) -> set[str]:
    with cleaning(folder) as keys:
        return set(keys)


def test_what_is_held_is_seen_until_it_is_closed(tmp_path: Path) -> None:
    with Lease(tmp_path) as first, Lease(tmp_path) as second:
        first.hold("a")
        second.hold("a", "b")
        first.hold("c", "a")
        assert held(tmp_path) == {"a", "b", "c"}
        first.close()
        assert held(tmp_path) == {"a", "b"}
        first.hold("d")
        assert held(tmp_path) == {"a", "b", "d"}
    assert held(tmp_path) == set()
    assert [path.name for path in tmp_path.iterdir()] == ["gate"]


def test_nothing_is_written_before_something_is_held(tmp_path: Path) -> None:
    with Lease(tmp_path / "leases"):
        pass
    assert not (tmp_path / "leases").exists()


def test_a_lease_ends_with_the_last_who_has_it(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    lease.hold("a")
    del lease
    gc.collect()
    assert held(tmp_path) == set()


def test_the_lease_of_a_killed_process_holds_no_more(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert held(tmp_path) == {"a", "b"}
        process.send_signal(signal.SIGKILL)
    assert len(list(tmp_path.glob("*.lease"))) == 1
    assert held(tmp_path) == set()
    assert not list(tmp_path.glob("*.lease"))


def test_a_fork_does_not_end_what_its_parent_holds(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    lease.hold("a")
    pid = os.fork()
    if not pid:
        lease.close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert held(tmp_path) == {"a"}
    lease.close()


def test_whoever_wants_something_waits_for_the_cleaner(tmp_path: Path) -> None:
    lease = Lease(tmp_path)
    done = threading.Event()

    def hold() -> None:
        lease.hold("a")
        done.set()

    thread = threading.Thread(target=hold)
    with cleaning(tmp_path) as keys:
        thread.start()
        assert not done.wait(0.3)
        assert not keys
    assert done.wait(20)
    thread.join()
    assert held(tmp_path) == {"a"}
    lease.close()


def test_many_threads_share_one_lease(tmp_path: Path) -> None:
    with Lease(tmp_path) as lease:
        threads = [threading.Thread(target=lease.hold, args=(f"k{number}", "same")) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert held(tmp_path) == {"same", *(f"k{number}" for number in range(16))}
        assert len(list(tmp_path.glob("*.lease"))) == 1


def test_a_folder_that_cannot_be_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Lease(tmp_path / "file" / "leases") as lease:
        lease.hold("a")
    with Lease(Path("/proc/leases")) as lease:
        lease.hold("a")
