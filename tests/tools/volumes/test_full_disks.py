"""No room, wherever it ends: a disk that holds cache, results and temporary files grows until there is enough on it."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.oci.reference import Reference
from bootworthy.oci.store import Store
from bootworthy.vocabulary import Architecture
from tests.command import Command
from tests.faults import private, small
from tests.mounts import need_mount
from tests.needs import need
from tests.oci_images import put_layer

IMAGE = "localhost/small:1"
STEPS = (4, 12, 32, 100, 190, 330, 420, 520, 640, 800, 1100, 2000, 4000, 16000)
"""KiB that are free on the disk, one after the other."""
GROW = """\
disk=$1; shift
cd "$disk"
all=$(df -k --output=avail . | tail -1)
fallocate -l $((all - 4))k ballast
for size in $STEPS; do
  truncate -s $((all - size))k ballast
  status=0
  said=$("$@" 2>&1) || status=$?
  printf '== %s\n%s\n--\n' $status "$said"
  find "$disk" -mindepth 1 ! -name ballast ! -name lost+found
  if [ $status = 0 ]; then cp -a out "$KEEP"; break; fi
done
"""


@dataclass(frozen=True)
class Attempt:
    """What came of one size of the disk."""

    status: int
    said: str
    there: frozenset[str]
    """Paths below the disk."""


def content() -> dict[str, bytes]:
    """Files that no format can make much smaller."""
    return {f"folder-{number % 3}/file-{number}": random.Random(number).randbytes(9000) for number in range(24)}


@pytest.fixture
def home(tmp_path: Path) -> Command:
    """A home that has one image of two layers."""
    home = Command.at(tmp_path / "home")
    store = Store(home.store)
    layers = [put_layer(store, content()), put_layer(store, {"upper": random.Random(99).randbytes(70_000)})]
    store.tag(Reference.parse(IMAGE), store.put_image(layers=layers, architecture=Architecture.X86_64))
    return home


def disk_of(filesystem: str, disk: Path) -> tuple[str, ...]:
    """A prefix for commands: a disk of 20 MiB is mounted at a folder."""
    if filesystem == "tmpfs":
        return small(disk, "20m")
    need_mount(filesystem)
    need("mke2fs")
    image = disk.with_name("image")
    run(["mke2fs", "-q", "-t", filesystem, "-m", "0", "-O", "^has_journal", image, "20m"])
    disk.mkdir()
    return private(f"mount -o loop {image} {disk}")


def grown(home: Command, disk: Path, filesystem: str, *arguments: str) -> list[Attempt]:
    """Run the program on a disk with more and more room, until it ends well; what it made is kept beside it."""
    script = disk.parent / "grow"
    script.write_text(GROW)
    full = home.under(*disk_of(filesystem, disk), "sh", str(script), str(disk), STEPS=" ".join(map(str, STEPS)))
    said = full(
        *arguments, status=None, BOOTWORTHY_CACHE=str(disk / "cache"), TMPDIR=str(disk), KEEP=str(disk.parent / "kept")
    ).text
    attempts = []
    for part in said.split("== ")[1:]:
        status, _, rest = part.partition("\n")
        words, _, found = rest.partition("--\n")
        attempts.append(
            Attempt(int(status), words, frozenset(path.removeprefix(f"{disk}/") for path in found.splitlines()))
        )
    return attempts


def digests(folder: Path) -> dict[str, str]:
    """What files of a folder hold."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


CASES = {
    "ext4": ("convert", IMAGE, "-o", "out/it"),
    "lean": ("convert", IMAGE, "-o", "out/it", "--profile", "lean"),
    "erofs": ("convert", IMAGE, "-o", "out/it", "--to", "erofs"),
    "layered": ("convert", IMAGE, "-o", "out/it", "--to", "erofs", "--profile", "layered"),
    "squashfs": ("convert", IMAGE, "-o", "out/it", "--to", "squashfs"),
    "tar": ("convert", IMAGE, "-o", "out/it", "--to", "tar"),
    "tar-zstd": ("convert", IMAGE, "-o", "out/it", "--to", "tar", "--profile", "zstd"),
    "cpio": ("convert", IMAGE, "-o", "out/it", "--to", "cpio"),
    "unpack": ("unpack", IMAGE, "out/it", "--plain"),
    "clone": ("clone", "VOLUME", "-o", "out/it"),
}


@pytest.mark.parametrize(
    ("name", "filesystem"),
    [*((name, "tmpfs") for name in CASES), ("ext4", "ext4"), ("layered", "ext4"), ("tar", "ext4")],
)
def test_each_write_may_find_no_room(home: Command, tmp_path: Path, name: str, filesystem: str) -> None:
    if name == "squashfs":
        need("mksquashfs")
    volume, disk = tmp_path / "volume", tmp_path / "disk"
    if name == "clone":
        home("convert", IMAGE, "-o", str(volume))
    arguments = [str(volume) if word == "VOLUME" else word for word in CASES[name]]
    *failed, last = grown(home, disk, filesystem, *arguments)
    assert last.status == 0, last
    assert len(failed) >= 5
    for attempt in failed:
        assert attempt.status == 10, attempt
        assert "error: " in attempt.said
        assert str(disk) in attempt.said or "out/it" in attempt.said, attempt
        assert "no space left" in attempt.said
        assert "  hint: " in attempt.said
        assert not [path for path in attempt.there if path.startswith("out/")], attempt
        assert not [path for path in attempt.there if path.endswith((".partial", ".scratch"))], attempt
    (tmp_path / "fresh").mkdir()
    home(*arguments, cwd=tmp_path / "fresh", BOOTWORTHY_CACHE=str(tmp_path / "fresh-cache"))
    assert digests(tmp_path / "kept") == digests(tmp_path / "fresh" / "out")
