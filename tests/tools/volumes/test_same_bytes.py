"""The same image makes the same bytes in every format, through the command: again, elsewhere, and for somebody else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootworthy.host.processes import run
from bootworthy.volumes.convert import sparse_digest
from tests import mounts
from tests.command import Command
from tests.nasty_images import BSD, GNU, Stack
from tests.needs import need, need_root

WRITTEN = (
    "ext4/full", "ext4/lean", "erofs/flat", "erofs/layered", "erofs/lz4", "erofs/zstd", "squashfs/zstd",
    "squashfs/gzip", "tar/none", "tar/gzip", "tar/zstd", "cpio/none", "cpio/gzip", "cpio/zstd",
)  # fmt: skip
SOMEBODY = 4321
"""A user and a group that nobody has."""
NAMESPACE = ("unshare", "--user", f"--map-user={SOMEBODY}", f"--map-group={SOMEBODY}")


@dataclass(frozen=True)
class Place:
    """A folder, and an image in it."""

    folder: Path
    image: str

    def made(self, home: Command, written: str) -> dict[str, str] | None:
        """Digests of a volume and its devices, which are gone afterwards; None where a tool is too old for it."""
        filesystem, profile = written.split("/")
        out = home.folder / "out"
        argv = ("convert", self.image, "-o", str(out / "volume"), "--to", filesystem, "--profile", profile)
        done = home(*argv, status=None)
        if done.status == 7 and b"mkfs.erofs 1.7" in done.stderr:
            return None
        assert done.status == 0, done.stderr
        found = {path.name: sparse_digest(path) for path in sorted(out.iterdir())}
        for name in found:
            (out / name).unlink()
        return found

    def home(self, name: str) -> Command:
        """A program with caches of its own."""
        folder = self.folder / name.replace("/", "-")
        (folder / "out").mkdir(parents=True, exist_ok=True)
        return Command.at(folder)

    def elsewhere(self, written: str) -> Command:
        """Nothing in the cache, another umask, time zone, locale, order of hashes, and a single processor."""
        strange = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"}
        prefix = ("taskset", "-c", str(min(os.sched_getaffinity(0))), "sh", "-c", 'umask 077; exec "$@"', "sh")
        return self.home(f"elsewhere-{written}").under(*prefix, **strange)

    def somebody(self, written: str) -> Command:
        """Nothing in the cache, another user, group and umask: in a namespace, for Python may be in root's home."""
        strange = {"TZ": "America/St_Johns", "LC_ALL": "POSIX", "PYTHONHASHSEED": "8", "HOME": "/nonexistent"}
        prefix = (*NAMESPACE, "sh", "-c", 'umask 007; exec "$@"', "sh")
        return self.home(f"somebody-{written}").under(*prefix, **strange)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An image of three layers."""
    need_root("owners and devices")
    need("tar", "bsdtar", "mksquashfs", "unshare", "taskset", "setfattr", "setcap")
    assert run([*NAMESPACE, "id", "-u"]).text == f"{SOMEBODY}\n"
    folder = tmp_path_factory.mktemp("same")
    return Place(folder, layers(folder).image())


def layers(folder: Path) -> Stack:
    stack = Stack(folder)
    stack.sh(
        """
        mkdir many bin
        for number in $(seq 400); do echo "$number" >"many/$number"; ln -s "$number" "many/link-$number"; done
        seq 500000 >dense; ln dense again; cp /bin/sh bin/sh; chmod 4755 bin/sh; truncate -s 3M hole; seq 9 >>hole
        for name in a b c d; do setfattr -n "user.$name" -v "$name" bin; setfattr -n "user.$name" -v 1 dense; done
        mknod null c 1 3; chown 1000:100 many/1*; echo >"$(printf '\\377')"
        """
    )
    stack.add(GNU)
    stack.sh("cp bin/sh bin/more; setcap cap_chown+ep bin/more; ln bin/more bin/most; seq 90000 >many/1; rm many/2")
    stack.add(BSD, "bin", "bin/more", "bin/most", "many/1")
    stack.sh("mkdir gone; : >many/.wh.2; ln many/3 gone/3; : >many/.wh.3")
    stack.add(GNU, "many", "many/.wh.2", "many/3", "gone", "gone/3")
    return stack


@pytest.mark.parametrize("written", WRITTEN)
def test_again_elsewhere_and_for_somebody_else(written: str, place: Place) -> None:
    first = place.home("first")
    wanted = place.made(first, written)
    if wanted is None:
        assert written.startswith("erofs/")
        pytest.skip("this mkfs.erofs cannot read a tar")
    assert len(wanted) == (4 if written == "erofs/layered" else 1)
    assert place.made(first, written) == wanted
    assert place.made(place.elsewhere(written), written) == wanted
    assert place.made(place.somebody(written), written) == wanted


def test_squashfs_whose_root_would_be_somebody_elses_is_refused(place: Place) -> None:
    """mksquashfs before 4.6 needs a namespace to make a root that is root's, unless root runs it."""
    if mounts.squashfs_root_is_told():
        pytest.skip("this mksquashfs is 4.6 or later")
    no_more = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
    somebody = place.home("alone").under(*NAMESPACE, "--keep-caps", "sh", "-c", no_more, "sh")
    out = place.folder / "alone" / "volume"
    said = somebody.fails(7, "convert", place.image, "-o", str(out), "--to", "squashfs")
    assert "user namespace" in said
    assert not out.exists()
