"""The images that are measured, made by code once and kept: each is an OCI layout in a folder of its own."""

from __future__ import annotations

import functools
import io
import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks import layouts

_MIB = 1 << 20
_END = bytes(1024)
_TIME = 1_700_000_000
_DEBIAN = "systemd-sysv,udev,iproute2,openssh-server"
_LARGE = (
    "systemd-sysv,udev,openssh-server,build-essential,python3-scipy,python3-matplotlib,locales-all,vim,perl-doc,git,"
    "cmake,emacs-nox,nodejs,golang-1.19-src,libboost1.74-dev,python3-django"
)
_LARGE_SIZE = 1625 * _MIB
_CHANGED = 50 * _MIB
_LAYERS = 6
_MOVED = tuple(megabytes * 10**6 for megabytes in (400, 250, 150, 100, 60, 40))


def names() -> list[str]:
    """Every input."""
    return list(_MAKERS)


def make(home: Path, name: str) -> Path:
    """The layout of an input, made if it is not there."""
    folder = home / "inputs" / name
    if not folder.exists():
        partial = folder.with_name(f".{name}")
        shutil.rmtree(partial, ignore_errors=True)
        layouts.write(partial, _MAKERS[name](home))
        partial.rename(folder)
    return folder


def root(home: Path, release: str, packages: str, style: str) -> Path:
    """A Debian by mmdebstrap, as a `tar` or a `directory`."""
    folder = home / "roots"
    folder.mkdir(parents=True, exist_ok=True)
    short = f"{release}-{len(packages.split(','))}"
    final = folder / (f"{short}.tar" if style == "tar" else short)
    if not final.exists():
        partial = folder / f".{final.name}"
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--format={style}", f"--include={packages}", release,
             str(partial)],
            check=True, env={**os.environ, "SOURCE_DATE_EPOCH": str(_TIME)},
        )  # fmt: skip
        partial.rename(final)
    return final


def _debian(home: Path) -> list[layouts.Pieces]:
    """A Debian with systemd, in one layer."""
    return [functools.partial(_file, root(home, "bookworm", _DEBIAN, "tar"))]


def _large(home: Path, *, changed: bool = False) -> list[layouts.Pieces]:
    """A Debian with compilers and more, cut after 1.6 GB, in six layers of which the last has 50 MB."""
    tar = root(home, "bookworm", _LARGE, "tar")
    with tarfile.open(tar) as archive:
        starts = [(member.offset, member.offset_data, member.size if member.isreg() else 0) for member in archive]
    end = next((start for start, _, _ in starts if start > _LARGE_SIZE), starts[-1][0])
    targets = [(end - _CHANGED) * number // (_LAYERS - 1) for number in range(_LAYERS)]
    cuts = [next(start for start, _, _ in starts if start >= target) for target in targets] + [end]
    layers: list[layouts.Pieces] = [functools.partial(_slice, tar, *cuts[at : at + 2]) for at in range(_LAYERS)]
    if changed:
        members = [(start, data, size) for start, data, size in starts if cuts[-2] <= start < end]
        layers[-1] = functools.partial(_turned, tar, members, end)
    return layers


def _slice(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Whole members of an archive, and an end."""
    with path.open("rb") as file:
        file.seek(start)
        while start < end:
            piece = file.read(min(_MIB, end - start))
            start += len(piece)
            yield piece
    yield _END


def _turned(path: Path, members: list[tuple[int, int, int]], end: int) -> Iterator[bytes]:
    """Members of an archive with the content of each file turned by one byte: a new version of them."""
    bounds = [start for start, _, _ in members[1:]] + [end]
    with path.open("rb") as file:
        for (start, data, size), after in zip(members, bounds, strict=True):
            file.seek(start)
            whole = file.read(after - start)
            at = data - start
            content = whole[at : at + size]
            yield whole[:at] + content[1:] + content[:1] + whole[at + size :]
    yield _END


def _flat(_home: Path) -> list[layouts.Pieces]:
    """20,000 files in one directory."""
    return [functools.partial(_archive, (f"srv/files/entry-{number:05}.txt" for number in range(20_000)))]


def _many(_home: Path) -> list[layouts.Pieces]:
    """113,000 small files in 1,000 directories."""
    paths = (f"srv/{number % 10}/{number // 10 % 100:02}/entry-{number:06}" for number in range(113_000))
    return [functools.partial(_archive, paths)]


def _archive(paths: Iterable[str]) -> Iterator[bytes]:
    """Files of 0 to 4 KiB of words; directories in front of what is in them."""
    draw = random.Random(1)
    words = [draw.randbytes(draw.randrange(1, 6)).hex().encode() for _ in range(4096)]
    made: set[str] = set()
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            if parent not in made:
                made.add(parent)
                yield _member(f"{parent}/", tarfile.DIRTYPE, b"")
        content = b" ".join(draw.choices(words, k=draw.randrange(500)))
        yield _member(path, tarfile.REGTYPE, content)
    yield _END


def _member(path: str, kind: bytes, content: bytes) -> bytes:
    info = tarfile.TarInfo(path)
    info.type, info.size, info.mtime = kind, len(content), _TIME
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    return info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)


def _huge(_home: Path) -> list[layouts.Pieces]:
    """One file of 4 GiB, as a disk image is: in each 16 MiB, 1 MiB that cannot be compressed, 1 MiB that can, zeros."""
    return [_disk]


def _disk() -> Iterator[bytes]:
    draw = random.Random(2)
    info = tarfile.TarInfo("var/lib/disk.img")
    info.size, info.mtime = 4 << 30, _TIME
    yield _member("var/", tarfile.DIRTYPE, b"") + _member("var/lib/", tarfile.DIRTYPE, b"")
    yield info.tobuf(tarfile.USTAR_FORMAT)
    zeros = bytes(_MIB)
    for _ in range(256):
        yield draw.randbytes(_MIB)
        yield io.BytesIO(b"".join(b"%d %d\n" % (line, draw.randrange(10**6)) for line in range(90_000))).read(_MIB)
        for _ in range(14):
            yield zeros
    yield _END


def _moved(_home: Path) -> list[layouts.Pieces]:
    """1 GB in six layers, the first two fifths of it, of bytes that no compression makes smaller."""
    return [functools.partial(_noise, number, size) for number, size in enumerate(_MOVED)]


def _noise(seed: int, size: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    info = tarfile.TarInfo(f"srv/layer-{seed}")
    info.size, info.mtime = size, _TIME
    yield _member("srv/", tarfile.DIRTYPE, b"") + info.tobuf(tarfile.USTAR_FORMAT)
    for start in range(0, size, _MIB):
        yield draw.randbytes(min(_MIB, size - start))
    yield bytes(-size % 512) + _END


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_MIB):
            yield piece


_MAKERS: dict[str, Callable[[Path], list[layouts.Pieces]]] = {
    "debian": _debian, "large": _large, "large-next": functools.partial(_large, changed=True),
    "flat": _flat, "many": _many, "huge": _huge, "moved": _moved,
}  # fmt: skip
