"""Who is measured: commands that make a volume `out` from an OCI layout, in an empty folder."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import inputs, layouts
from benchmarks.measure import NotMeasuredError

_MIB = 1 << 20
_NEWER = "e2fsprogs,erofs-utils,libarchive13t64"
FLOOR, OURS = "floor", "bootworthy"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be converted."""

    home: Path
    layout: Path
    size: int
    """Bytes of a volume that is large enough, for tools that cannot tell themselves."""
    inodes: int
    """Inodes that are enough, for the same ones."""

    @property
    def image(self) -> str:
        """As OCI tools name it."""
        return shlex.quote(f"{self.layout}:{layouts.TAG}")

    @property
    def layers(self) -> str:
        """The files of its layers, for a shell."""
        return " ".join(shlex.quote(str(path)) for path, _, _ in layouts.layer_files(self.layout))


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to make a volume."""

    name: str
    makes: str
    command: Callable[[Job], str]


def every() -> list[Contender]:
    """All of them, ours first."""
    return [
        Contender(OURS, "ext4, writable", _ours),
        Contender(FLOOR, "no volume", lambda job: f"{_floor(job)} out"),
        Contender("umoci unpack + mke2fs -d", "ext4, writable", _umoci),
        Contender("fakeroot tar + mke2fs -d", "ext4, writable", _fakeroot),
        Contender("mke2fs -d TAR (newer)", "ext4, writable", _mke2fs_tar),
        Contender("mkfs.erofs --tar=f (newer)", "erofs, read-only", _erofs_tar),
        Contender("tar + mkfs.erofs", "erofs, read-only", _erofs_tree),
        Contender("mksquashfs - -tar", "squashfs, read-only", _squashfs),
    ]


def ours() -> str:
    """Our command."""
    return shlex.quote(str(Path(sys.executable).with_name("bootworthy")))


def _ours(job: Job) -> str:
    return f"BOOTWORTHY_CACHE=$PWD/cache {ours()} convert oci:{job.image} --to ext4 -o out"


def _floor(job: Job) -> str:
    return f"{shlex.quote(sys.executable)} -m benchmarks.floor {shlex.quote(str(job.layout))}"


def _umoci(job: Job) -> str:
    _need("umoci", "mke2fs")
    rootless = "" if os.getuid() == 0 else "--rootless"
    return f"umoci unpack {rootless} --image {job.image} b; mke2fs {_options(job)} -d b/rootfs out {job.size >> 10}"


def _fakeroot(job: Job) -> str:
    _need("fakeroot", "tar", "mke2fs")
    script = f"for l in {job.layers}; do tar -xzf $l -C t; done; mke2fs {_options(job)} -d t out {job.size >> 10}"
    return f"mkdir t; fakeroot sh -euc {shlex.quote(script)}"


def _options(job: Job) -> str:
    return f"-q -t ext4 -N {job.inodes}"


def _erofs_tree(job: Job) -> str:
    _need("tar", "mkfs.erofs")
    return f"mkdir t; for l in {job.layers}; do tar -xzf $l -C t; done; mkfs.erofs --quiet out t"


def _squashfs(job: Job) -> str:
    _need("mksquashfs")
    return f"{_floor(job)} - | mksquashfs - out -tar -quiet -no-progress -comp zstd -Xcompression-level 1"


def _mke2fs_tar(job: Job) -> str:
    tool = _newer(job.home, "mke2fs")
    return f"{_floor(job)} - | {tool} {_options(job)} -d - out {job.size >> 10}"


def _erofs_tar(job: Job) -> str:
    return f"{_floor(job)} - | {_newer(job.home, 'mkfs.erofs')} --quiet --tar=f out"


def _newer(home: Path, tool: str) -> str:
    """A tool of a newer Debian, run with that Debian's own loader and libraries."""
    _need("mmdebstrap")
    root = inputs.root(home, "trixie", _NEWER, "directory")
    loader = next(root.glob("usr/lib*/ld-linux-*.so.*"), None)
    program = next((path for folder in ("sbin", "bin") if (path := root / "usr" / folder / tool).exists()), None)
    if loader is None or program is None:
        raise NotMeasuredError(f"the newer Debian has no {tool}")
    libraries = next(path.parent for path in root.glob("usr/lib/*/libc.so.6"))
    words = [str(loader), "--library-path", str(libraries), str(program)]
    return f"MKE2FS_CONFIG={shlex.quote(str(root / 'etc/mke2fs.conf'))} {shlex.join(words)}"


def _need(*tools: str) -> None:
    for tool in tools:
        if shutil.which(tool) is None:
            raise NotMeasuredError(f"no {tool} here")


def roomy(layout: Path) -> int:
    """Bytes of a volume that surely holds an image: what its layers inflate to, a third more, and 256 MiB."""
    return 256 * _MIB + inflated(layout) * 4 // 3


def enough(layout: Path) -> int:
    """Inodes for everything that an image's layers list, and a tenth more."""
    note = layout / "entries"
    if not note.exists():
        note.write_text(str(sum(layouts.entries(path) for path, _, _ in layouts.layer_files(layout))))
    return 1000 + int(note.read_text()) * 11 // 10


def inflated(layout: Path) -> int:
    """Bytes of an image's layers, inflated; counted once and kept beside it."""
    note = layout / "inflated"
    if not note.exists():
        total = 0
        for path, _, _ in layouts.layer_files(layout):
            total += layouts.inflated(path)
        note.write_text(str(total))
    return int(note.read_text())
