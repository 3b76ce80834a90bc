"""Debian packages on this machine's disk: unpacked by dpkg-deb, nothing of them run."""

from __future__ import annotations

from pathlib import Path

from bootworthy.host import processes, tools


def unpack(folder: Path, root: Path) -> Path:
    """Unpack every `.deb` of a folder into `root`, which is returned.

    Raises:
        BuildError: a package is damaged.
        HostError: `tool.missing`.
    """
    root.mkdir(parents=True, exist_ok=True)
    program = tools.DPKG_DEB.require()
    for package in sorted(folder.glob("*.deb")):
        processes.run([program, "--extract", package, root], timeout=600)
    return root
