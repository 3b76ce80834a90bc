"""What the kernel of this machine reads from a volume: mounted in a namespace of its own, packed by GNU tar."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from bootworthy.layers.node import Kind, Node, Tree
from tests import archive, trees
from tests.archive import Fact
from tests.needs import need, need_root

_PACK = """\
set -e
cd "${from:-$1}"
what=${from:+.}
find "${what:=v}" \\( -type s -o -type p -o -type b -o -type c \\) -exec stat -c '%d %i %f %u %g %Y %n' {} + \\
    >"$1/special"
tar --format=posix --numeric-owner --xattrs --xattrs-include='*' --sort=name --warning=no-file-ignored -cf "$1/out" \\
    "$what" -C "$1" special
"""
_MOUNT = """\
set -e
mount -t "$2" -o "$3" "$4" "$1/v"
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
    with tempfile.TemporaryDirectory(prefix="bootworthy-mount-") as name:
        mounted(filesystem, volume, devices, _PACK, Path(name))
        return archive.below(archive.read(Path(name) / "out"), b"v")


def mounted(filesystem: str, volume: Path, devices: Sequence[Path], script: str, folder: Path) -> None:
    """Run a shell script while a volume is mounted at `$1/v`, in a namespace of its own; `$1` is the scratch folder."""
    options = ",".join(["ro", *(["loop"] if not devices else [])])
    (folder / "v").mkdir()
    loops: list[str] = []
    try:
        for device in (volume, *devices) if devices else ():
            done = subprocess.run(
                ["losetup", "--find", "--show", "--read-only", device], capture_output=True, check=True, text=True
            )
            loops.append(done.stdout.strip())
        options += "".join(f",device={loop}" for loop in loops[1:])
        argv = ["unshare", "--mount", "--propagation=private", "sh", "-c", _MOUNT + script, "sh", str(folder)]
        argv += [filesystem, options, loops[0] if loops else str(volume)]
        done = subprocess.run(argv, capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stderr + done.stdout
    finally:
        for loop in loops:
            subprocess.run(["losetup", "--detach", loop], check=True)


def unpacked(argv: Sequence[str | Path], data: Path, folder: Path) -> dict[bytes, Fact]:
    """What a program leaves in an empty folder that it unpacks its standard input in."""
    (folder / "v").mkdir()
    with data.open("rb") as file:
        done = subprocess.run(argv, stdin=file, cwd=folder / "v", capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    subprocess.run(["sh", "-c", _PACK, "sh", folder], check=True)
    return archive.below(archive.read(folder / "out"), b"v")


def packed(root: Path, folder: Path) -> dict[bytes, Fact]:
    """What is in a folder that is there already; the other one is scratch."""
    done = subprocess.run(["sh", "-c", f"from=$2\n{_PACK}", "sh", folder, root], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return archive.below(archive.read(folder / "out"), b".")


def squashfs_root_is_told() -> bool:
    """Whether this mksquashfs, which is then 4.6 or later, makes a root that is not root's and of another time."""
    said = subprocess.run(["mksquashfs", "-version"], capture_output=True, check=False, text=True).stdout
    return tuple(map(int, said.split()[2].split(".")[:2])) >= (4, 6)


def as_kernels_take_it(root: Node) -> None:
    """Attributes that a kernel gives out: a capability that is one, and those of users on what has content only."""
    for _, node in Tree(root).walk():
        plain = node.kind in {Kind.FILE, Kind.DIRECTORY}
        node.xattrs = tuple(
            (name, trees.CAPABILITY if name == b"security.capability" else value)
            for name, value in node.xattrs
            if plain or not name.startswith(b"user.")
        )


def every_second(root: Node) -> None:
    """Times that formats with 32 bits of seconds have."""
    for _, node in Tree(root).walk():
        node.mtime = node.mtime // 10**9 % 2**31 * 10**9
