"""Five nasty images, made by other people's tools, into every format through the command: read back by tools that are
not ours, they are what went in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bootworthy.layers.node import BLOCK
from tests import archive, debugfs, mounts, nasty_images
from tests.archive import Fact
from tests.command import Command
from tests.nasty_images import GNU, HUGE, Nasty, Stack
from tests.needs import need, need_root

Facts = dict[bytes, Fact]


@dataclass(frozen=True)
class Format:
    """A format, how somebody else reads it, and what it keeps."""

    options: tuple[str, ...]
    read: Callable[[Path, Path], Facts]
    """Of a volume, with a scratch folder."""
    kept: Callable[[Facts], Facts] = dict


def of_ext4(volume: Path, folder: Path) -> Facts:
    debugfs.check(volume)
    mounts.need_mount("ext4")
    found = mounts.read("ext4", volume)
    lost = found.pop(b"lost+found")
    assert (lost.kind, lost.mode, lost.uid, lost.gid) == ("directory", 0o700, 0, 0)
    return found


def of_erofs(volume: Path, folder: Path) -> Facts:
    need("fsck.erofs")
    devices = devices_of(volume)
    quiet(["fsck.erofs", "--extract", *(f"--device={each}" for each in devices), volume])
    mounts.need_mount("erofs")
    return mounts.read("erofs", volume, devices)


def devices_of(volume: Path) -> list[Path]:
    return sorted(volume.parent.glob(f"{volume.name}.[0-9]*"), key=lambda path: int(path.suffix[1:]))


def of_squashfs(volume: Path, folder: Path) -> Facts:
    """Twice: by the program, and by the kernel."""
    need("unsquashfs")
    (folder / "un").mkdir()
    quiet(["unsquashfs", "-no-progress", "-d", folder / "un" / "v", volume])
    by_program = mounts.packed(folder / "un" / "v", folder / "un")
    mounts.need_mount("squashfs")
    by_kernel = mounts.read("squashfs", volume)
    assert archive.differences(by_program, by_kernel) == []
    return by_kernel


def of_tar(volume: Path, folder: Path) -> Facts:
    options = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf-"]
    return mounts.unpacked(["tar", *options], volume, folder)


def of_cpio(volume: Path, folder: Path) -> Facts:
    need("cpio")
    return timeless(mounts.unpacked(["cpio", "-idm", "--quiet"], volume, folder))


def timeless(found: Facts) -> Facts:
    """Without what GNU cpio leaves as it comes: times of links and folders, and the folder it unpacks into."""
    return {
        path: replace(fact, mtime=0) if fact.kind in {"symlink", "directory"} else fact
        for path, fact in found.items()
        if path
    }


def seconds(fact: Fact) -> Fact:
    return replace(fact, mtime=fact.mtime // 10**9 * 10**9)


def in_squashfs(truth: Facts) -> Facts:
    found = {
        path: replace(seconds(fact), xattrs=tuple(pair for pair in fact.xattrs if not pair[0].startswith(b"system.")))
        for path, fact in truth.items()
    }
    if b"" in found and not mounts.squashfs_root_is_told():  # the root has the time of what is newest
        found[b""] = replace(found[b""], mtime=max(fact.mtime for fact in found.values()))
    return found


def in_cpio(truth: Facts) -> Facts:
    """GNU cpio makes a symbolic link for each of its names."""
    return timeless({
        path: replace(seconds(fact), xattrs=(), names=() if fact.kind == "symlink" else fact.names)
        for path, fact in truth.items()
    })  # fmt: skip


FORMATS = {
    "ext4-full": Format(("--to", "ext4", "--profile", "full"), of_ext4),
    "ext4-lean": Format(("--to", "ext4", "--profile", "lean"), of_ext4),
    "erofs-flat": Format(("--to", "erofs", "--profile", "flat"), of_erofs),
    "erofs-layered": Format(("--to", "erofs", "--profile", "layered"), of_erofs),
    "squashfs": Format(("--to", "squashfs"), of_squashfs, in_squashfs),
    "tar": Format(("--to", "tar"), of_tar),
    "cpio": Format(("--to", "cpio"), of_cpio, in_cpio),
}


def quiet(argv: list[str | Path]) -> None:
    """Run a program that checks, and fail when it has anything to say against."""
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"<E>" not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Command:
    return Command.at(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", params=nasty_images.IMAGES)
def nasty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Nasty:
    need_root("owners, devices, mounts")
    return nasty_images.IMAGES[request.param](tmp_path_factory.mktemp(request.param))


@pytest.mark.parametrize("name", FORMATS)
def test_what_went_in_comes_out(name: str, nasty: Nasty, home: Command, tmp_path: Path) -> None:
    need("mksquashfs", "tar")
    wish = FORMATS[name]
    done = home("convert", nasty.image, "-o", str(tmp_path / "volume"), *wish.options)
    (tmp_path / "scratch").mkdir()
    found = wish.read(tmp_path / "volume", tmp_path / "scratch")
    if b"" not in nasty.truth:
        found.pop(b"", None)
    assert archive.differences(found, wish.kept(nasty.truth)) == []
    said = done.stderr.decode()
    for path, fact in nasty.truth.items():
        gone = set(fact.xattrs) - set(wish.kept(nasty.truth).get(path, fact).xattrs)
        for attribute, _ in gone:
            assert f": /{path.decode()}: {attribute.decode()}\n" in said


def content(path: Path) -> dict[int, bytes]:
    """The blocks of a file that are not all zeros, by offset; its holes are not read."""
    found = {}
    with path.open("rb", buffering=0) as file:
        end = 0
        while (start := data_after(file.fileno(), end)) is not None:
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            for offset in range(start // BLOCK * BLOCK, end, BLOCK):
                if (block := os.pread(file.fileno(), BLOCK, offset)) != bytes(len(block)):
                    found[offset] = block
    return found


def data_after(descriptor: int, offset: int) -> int | None:
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError:
        return None


COPY = """
file=$1/v/huge/file
filefrag -v -b4096 "$file" | sed -n 's/^ *[0-9]*: *\\([0-9]*\\)\\.\\. *\\([0-9]*\\):.*/\\1 \\2/p' >"$1/extents"
while read -r first last; do
    dd if="$file" of="$1/copy" bs=4096 skip="$first" seek="$first" count=$((last + 1 - first)) conv=notrunc status=none
done <"$1/extents"
truncate -s "$(stat -c %s "$file")" "$1/copy"
"""
"""What is mapped of a file, for erofs does not say where its holes are to those who seek."""


def copy_of_huge(filesystem: str, volume: Path, folder: Path) -> Path:
    """`huge/file` out of a volume, by a program or a kernel, and with holes."""
    folder.mkdir()
    if filesystem == "tar":
        quiet(["bsdtar", "-xS", "-C", folder, "-f", volume, "./huge/file"])
        return folder / "huge" / "file"
    if filesystem == "squashfs":
        quiet(["unsquashfs", "-no-progress", "-d", folder / "v", volume])
        return folder / "v" / "huge" / "file"
    if filesystem == "ext4":
        debugfs.check(volume)
    mounts.need_mount(filesystem)
    mounts.mounted(filesystem, volume, devices_of(volume), COPY, folder)
    return folder / "copy"


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return nasty_images.huge(tmp_path_factory.mktemp("huge"))


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in {"ext4-lean", "cpio"}])
def test_a_file_of_more_than_8_gib(name: str, huge: Stack, home: Command, tmp_path: Path) -> None:
    need("mksquashfs", "unsquashfs", "bsdtar", "zstd", "filefrag")
    options = FORMATS[name].options
    # as it is, a tar would be as long as the file
    packed = (*options, "--profile", "zstd") if name == "tar" else options
    home("convert", huge.image(), "-o", str(tmp_path / "volume"), *packed)
    copy = copy_of_huge(options[1], tmp_path / "volume", tmp_path / "scratch")
    assert copy.stat().st_size == HUGE
    wanted = content(huge.root / "huge" / "file")
    assert len(wanted) == 4
    assert content(copy) == wanted


@dataclass(frozen=True)
class Unfit:
    """Something that a format cannot hold."""

    to: str
    where: str
    script: str
    """Makes it, in an empty folder."""
    packed: tuple[str, ...] = ()
    """Options of GNU tar."""


FAR = "../" + "x" * 99
UNFIT = {
    "cpio-size": Unfit("cpio", "/d/long", "mkdir d; truncate -s 4294967296 d/long"),
    "cpio-before-1970": Unfit("cpio", "/", "echo x >old", ("--mtime=@-1",)),
    "cpio-after-2106": Unfit("cpio", "/", "echo x >new", ("--mtime=@4294967296",)),
    "cpio-trailer": Unfit("cpio", "/TRAILER!!!", "echo x >TRAILER!!!"),
    "squashfs-before-1970": Unfit("squashfs", "/", "echo x >old", ("--mtime=@-1",)),
    "squashfs-after-2106": Unfit("squashfs", "/", "echo x >new", ("--mtime=@4294967296",)),
    "squashfs-target": Unfit("squashfs", "/d/far", f"mkdir d; ln -s {FAR} d/far"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_a_format_cannot_hold_is_refused_with_its_path(name: str, home: Command, tmp_path: Path) -> None:
    need("tar", "mksquashfs")
    unfit, stack = UNFIT[name], Stack(tmp_path)
    stack.sh(unfit.script)
    stack.add([*GNU, "--sparse", *unfit.packed])
    said = home.fails(1, "convert", stack.image(), "-o", str(tmp_path / "volume"), "--to", unfit.to)
    assert f"error: {unfit.where}: " in said
    assert not (tmp_path / "volume").exists()


@pytest.mark.parametrize("to", ["ext4", "erofs"])
def test_times_that_ext4_does_not_have_become_the_nearest(to: str, home: Command, tmp_path: Path) -> None:
    mounts.need_mount(to)
    stack = Stack(tmp_path)
    stack.sh("echo x >old; echo x >new")
    times = {b"old": -3_000_000_000, b"new": 20_000_000_000}
    for name, seconds in times.items():
        stack.add([*GNU, f"--mtime=@{seconds}"], name.decode())
    home("convert", stack.image(), "-o", str(tmp_path / "volume"), "--to", to)
    found = mounts.read(to, tmp_path / "volume")
    if to == "ext4":
        debugfs.check(tmp_path / "volume")
        times = {b"old": -(2**31), b"new": 5 * 2**31 - 1}
    assert {name: found[name].mtime for name in times} == {name: time * 10**9 for name, time in times.items()}
