"""Tools that tests read things back with: absent on a person's machine is a skip, absent in CI is a failure."""

from __future__ import annotations

import os
import shutil

import pytest

from bootworthy.host import processes


def need(*names: str) -> None:
    """Skip the test when one of these programs is not here; fail it when CI=true."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin:/sbin"])
    missing = [name for name in names if shutil.which(name, path=path) is None]
    if not missing:
        return
    message = f"not installed: {', '.join(missing)}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def need_newer(name: str, option: str) -> None:
    """Skip the test when this program does not know an option; fail it when CI=true."""
    need(name)
    said = processes.run([name, "--help"], check=False)
    if option.encode() in said.stdout + said.stderr:
        return
    message = f"too old, it has no {option}: {name}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def need_root(why: str) -> None:
    """Skip the test when a person without root runs it; fail it when CI=true."""
    if os.geteuid() == 0:
        return
    message = f"needs root: {why}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
