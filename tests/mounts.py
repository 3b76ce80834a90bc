"""What the kernel of this machine reads from a volume: mounted in a namespace of its own, packed by GNU tar."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import archive
from tests.archive import Fact
from tests.needs import need, need_root

_PACK = """\
set -e
mount -t "$1" -o "$2" "$3" "$4/v"
cd "$4"
find v \\( -type s -o -type p -o -type b -o -type c \\) -exec stat -c '%d %i %f %u %g %Y %n' {} + >special
tar --format=posix --numeric-owner --xattrs --xattrs-include='*' --sort=name --warning=no-file-ignored -cf out v special
"""


def need_mount(filesystem: str) -> None:
    """Skip the test where a filesystem cannot be mounted; fail it when CI=true."""
    need("mount", "unshare", "losetup", "tar")
    need_root("mounts a volume")
    subprocess.run(["modprobe", "-q", filesystem], check=False, stderr=subprocess.DEVNULL)
    if filesystem in Path("/proc/filesystems").read_text().split():
        return
    message = f"this kernel has no {filesystem}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def read(filesystem: str, volume: Path, devices: Sequence[Path] = ()) -> dict[bytes, Fact]:
    """Every name of a volume; mount and loop devices are gone afterwards."""
    options = ",".join(["ro", *(["loop"] if not devices else [])])
    with tempfile.TemporaryDirectory(prefix="bootworthy-mount-") as name:
        folder = Path(name)
        (folder / "v").mkdir()
        loops: list[str] = []
        try:
            for device in (volume, *devices) if devices else ():
                done = subprocess.run(
                    ["losetup", "--find", "--show", "--read-only", device], capture_output=True, check=True, text=True
                )
                loops.append(done.stdout.strip())
            options += "".join(f",device={loop}" for loop in loops[1:])
            argv = ["unshare", "--mount", "--propagation=private", "sh", "-c", _PACK, "sh", filesystem, options]
            done = subprocess.run(
                [*argv, loops[0] if loops else volume, folder], capture_output=True, check=False, text=True
            )
            assert done.returncode == 0, done.stderr + done.stdout
        finally:
            for loop in loops:
                subprocess.run(["losetup", "--detach", loop], check=True)
        return archive.below(archive.read(folder / "out"), b"v")
