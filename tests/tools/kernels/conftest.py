"""The source of a kernel, fetched once in a test run, or kept where `BOOTWORTHY_TEST_HOME` says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootworthy.host import locks
from tests.kconfig_sources import KernelSource
from tests.needs import need


@pytest.fixture(scope="session")
def kernel_source(tmp_path_factory: pytest.TempPathFactory) -> KernelSource:
    """Debian's kernel source and configurations."""
    need("apt-get", "dpkg-deb", "tar", "xz")
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = Path(os.environ.get("BOOTWORTHY_TEST_HOME", shared)) / "kernel-source"
    folder.mkdir(parents=True, exist_ok=True)
    with locks.locked(folder / "lock"):
        return KernelSource.fetch(folder)
