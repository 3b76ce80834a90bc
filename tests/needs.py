"""Tools that tests read things back with: absent on a person's machine is a skip, absent in CI is a failure."""

from __future__ import annotations

import os
import shutil

import pytest


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


def need_root(why: str) -> None:
    """Skip the test when a person without root runs it; fail it when CI=true."""
    if os.geteuid() == 0:
        return
    message = f"needs root: {why}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
