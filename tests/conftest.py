"""Tests that need built images share one home: the built-in catalog's images are built once in a test run.

`BOOTWORTHY_TEST_HOME` names a folder that is kept between runs; without it everything is made anew.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.all_checked import check_all
from tests.command import Command
from tests.needs import need
from tests.shell_guest import ShellGuest, tools_needed

# Programs that `scripts/newer` and `scripts/peers` unpacked: on the PATH of the tests, and of nothing else.
# The first are newer than what is installed; what is installed is as good as the others.
os.environ["PATH"] = os.pathsep.join([
    str(Path(sys.prefix) / "newer/bin"), os.environ.get("PATH", os.defpath),
    str(Path(sys.prefix) / "peers/usr/bin"), str(Path(sys.prefix) / "peers/usr/sbin"),
])  # fmt: skip

# A test run in the background of a script starts with Ctrl-C ignored, and so would everything it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Nothing is timed in a test: a busy machine is not a failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

QEMU = ("debian-12/debian-6.1/qemu-microvm-x86_64", "debian-13/debian-6.12/qemu-microvm-x86_64")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The program with a store, cache and state of its own; in the end every rule has looked at all that was built."""
    need("qemu-system-x86_64", "mmdebstrap", "depmod")
    kept = os.environ.get("BOOTWORTHY_TEST_HOME")
    # Workers of one run share it: the lock of a build has one of them make what both need.
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    found = Command.at(Path(kept) if kept else shared / "home")
    yield found
    check_all(found)


@pytest.fixture(scope="session")
def built(home: Command) -> dict[str, dict[str, Any]]:
    """Both cells that QEMU can run, built: name of the cell to its result."""
    done = home("build", *QEMU, "--json", timeout=1200)
    return {each["cell"]: each for each in json.loads(done.text)["cells"]}


@pytest.fixture(scope="session")
def proved(home: Command, built: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Both, booted: name of the cell to its proof."""
    done = home("prove", *QEMU, "--json", timeout=900)
    return {each["name"]: each for each in json.loads(done.text)["proofs"]}


@pytest.fixture(scope="session")
def guest(home: Command, built: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> ShellGuest:
    """A guest that runs shell scripts, with the kernel of Debian 12."""
    need(*tools_needed())
    return ShellGuest.of(home, built[QEMU[0]]["images"], tmp_path_factory.mktemp("guest"))


@pytest.fixture(scope="session")
def newer_guest(
    home: Command, built: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> ShellGuest:
    """The same with the kernel of Debian 13, which reads more."""
    need(*tools_needed())
    return ShellGuest.of(home, built[QEMU[1]]["images"], tmp_path_factory.mktemp("newer-guest"))
