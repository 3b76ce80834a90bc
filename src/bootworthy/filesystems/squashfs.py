"""squashfs, by `mksquashfs` (4.5 or later) out of the merged tar: no tree on disk.

Its times are whole seconds from 1970 to 2106, and it keeps attributes of `user`, `trusted` and `security` alone.
"""

from __future__ import annotations

import functools
import os
import re
import time as clock
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from bootworthy.errors import HostError, RefusedError
from bootworthy.filesystems import tarred
from bootworthy.filesystems.limits import Limits
from bootworthy.filesystems.streamed import LeftOut, StreamedVolume
from bootworthy.filesystems.writer import VolumeOptions
from bootworthy.host import processes
from bootworthy.host.progress import Progress
from bootworthy.host.tools import Tool
from bootworthy.layers.node import Kind, Tree

MKSQUASHFS = Tool("mksquashfs", "squashfs-tools", "write squashfs")
_UNSHARE = Tool("unshare", "util-linux", "write squashfs with mksquashfs before 4.6")
_REVISION = 2
_PROFILES = {
    "zstd": ("-comp", "zstd", "-Xcompression-level", "6"),
    "gzip": ("-comp", "gzip", "-Xcompression-level", "6"),
    "lz4": ("-comp", "lz4"),
    "xz": ("-comp", "xz"),
    # the compressor that every kernel with squashfs has: it looks for it even where nothing is compressed
    "none": ("-comp", "gzip", "-noI", "-noD", "-noF", "-noX"),
}
_LIMITS = Limits(filesystem="squashfs", largest_file=2**62, times=(0, 2**32 - 1))
_KEPT = (b"user.", b"trusted.", b"security.")
_MOST_OWNERS = 2**16
_READS_TAR = (4, 5)
_SETS_ROOT = (4, 6)
_SECOND = 10**9
_TAR_TARGET = 100
"""Bytes of a target that a plain tar header can hold."""
_VERSION = re.compile(r"mksquashfs version (\d+)\.(\d+)\S*")
_FIXED = (
    "-tar", "-noappend", "-no-recovery", "-no-progress", "-quiet", "-exit-on-error", "-reproducible", "-no-exports",
    "-b", "131072", "-mem", "512M",
)  # fmt: skip


class Squashfs:
    """Writes trees as squashfs volumes."""

    @property
    def revision(self) -> int:
        """Raised whenever the same tree and options begin to make other bytes."""
        return _REVISION

    def prepare(self, tree: Tree, options: VolumeOptions, *, uuid: UUID, time: int) -> StreamedVolume:  # noqa: ARG002
        """Plan a volume.

        Raises:
            UsageError: `squashfs.profile`, `squashfs.option`.
            RefusedError: the tree holds something that squashfs cannot keep.
            HostError: `tool.missing`, `squashfs.tool-too-old`, `squashfs.no-compressor`, `squashfs.no-namespace`.
        """
        options.refuse("squashfs", "size", "free", "inodes", "label", "uuid")
        profile = options.one_of("squashfs", tuple(_PROFILES))
        tarred.check(tree, _LIMITS)
        _refuse_stripped(tree)
        owners = {owner for _, node in tree.walk() for owner in (node.uid, node.gid)}
        if len(owners) > _MOST_OWNERS:
            raise RefusedError(
                "squashfs.owners", f"it has {len(owners)} owners and groups, and squashfs room for {_MOST_OWNERS}",
                hint="give files fewer owners",
            )  # fmt: skip
        program = MKSQUASHFS.require()
        version = _version(program, profile)
        timing, env = _timing(tree, time, version)
        argv = (*_command(program, version), *_FIXED, *_PROFILES[profile], *timing)
        write = functools.partial(_write, argv, env, tree)
        facts = {"mksquashfs": ".".join(map(str, version))}
        return StreamedVolume("squashfs", profile, write, LeftOut.of(tree, _keeps, sockets=False), facts)


def _timing(tree: Tree, time: int, version: tuple[int, int]) -> tuple[tuple[str, ...], dict[str, str]]:
    """What fixes times and the root folder, which has no way through the tar: arguments, and the environment.

    Before 4.6 mksquashfs heeds nothing but the mode of a tar's root: it is root's, and of now. It can be told when now
    is, though, and takes that for the time of the volume too.
    """
    root = tree.root
    mode = ("-root-mode", f"{root.mode & 0o7777:o}")
    if version >= _SETS_ROOT:
        owner = ("-root-uid", str(root.uid), "-root-gid", str(root.gid))
        return (*mode, *owner, "-root-time", str(root.mtime // _SECOND), "-mkfs-time", str(time)), {}
    if (root.uid, root.gid) != (0, 0):
        raise RefusedError(
            "squashfs.root-owner", f"it belongs to {root.uid}:{root.gid}, and mksquashfs before 4.6 makes it root's",
            where="/", hint="install squashfs-tools 4.6 or later",
        )  # fmt: skip
    # every time after it would be cut to it, and it is the root's time only if it has passed
    newest, path = max((node.mtime // _SECOND, path) for path, node in tree.walk())
    if max(time, newest) > clock.time():
        raise _LIMITS.refused(
            "time", path, f"its time, {newest} s since 1970, has not come yet, which mksquashfs before 4.6 cannot fix",
            "install squashfs-tools 4.6 or later",
        )  # fmt: skip
    return mode, {"SOURCE_DATE_EPOCH": str(max(time, newest))}


def _command(program: Path, version: tuple[int, int]) -> tuple[str, ...]:
    """The program and the name of its volume, run so that the root folder is root's.

    Before 4.6 it is that of whoever runs mksquashfs, which is root of a user namespace where we are not. From in there
    our open files have no name, so it inherits the volume.
    """
    if version >= _SETS_ROOT or (os.getuid(), os.getgid()) == (0, 0):
        return (str(program), "-", tarred.OUT)
    root = (str(_UNSHARE.require()), "--user", "--map-root-user")
    if processes.run([*root, "true"], check=False).status:
        raise HostError(
            "squashfs.no-namespace", "mksquashfs before 4.6 would make its root folder yours, and not root's, as this"
            " machine gives you no user namespace", where=root[0],
            hint="install squashfs-tools 4.6 or later, or run it as root",
        )  # fmt: skip
    inherit = ("sh", "-c", 'exec 3<>"$1" && shift && exec "$@"', "sh", tarred.OUT)
    return (*inherit, *root, str(program), "-", "/proc/self/fd/3")


def stripped(target: bytes) -> bool:
    """Whether mksquashfs would take leading parts off a link's target: it does where a pax record has to hold it."""
    return (not target.isascii() or len(target) > _TAR_TARGET) and target.startswith((b"/", b"./", b"../"))


def _refuse_stripped(tree: Tree) -> None:
    for path, node in tree.walk():
        if node.kind is Kind.SYMLINK and stripped(node.target):
            raise _LIMITS.refused(
                "target", path, "mksquashfs would cut the beginning off where this link points, as it is longer than"
                f" {_TAR_TARGET} bytes or no ASCII", "make it relative without a leading ../, or use another format",
            )  # fmt: skip


def _keeps(path: bytes, name: bytes) -> bool:
    """The root's attributes have no way through the tar."""
    return bool(path) and name.startswith(_KEPT)


def _write(argv: tuple[str, ...], env: Mapping[str, str], tree: Tree, file: BinaryIO, progress: Progress) -> None:
    work = ("writing squashfs", tarred.content(tree))
    tarred.into(argv, tarred.members(tree, _keeps, root=False), file, progress, work, env=env)


def _version(program: Path, profile: str) -> tuple[int, int]:
    """The version of a program that can do what is asked of it."""
    found = _VERSION.search(processes.run([program, "-version"], check=False).text)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < _READS_TAR:
        said = found[0] if found else "one of an unknown version"
        raise HostError(
            "squashfs.tool-too-old", f"squashfs needs mksquashfs 4.5 or later, which reads a tar; this is {said}",
            where=str(program), hint="install a newer squashfs-tools",
        )  # fmt: skip
    compressor = _PROFILES[profile][1]
    done = processes.run([program, "-help"], check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    if compressor not in re.findall(r"^\s+(\w+)(?: \(default\))?$", said, re.MULTILINE):
        raise HostError(
            "squashfs.no-compressor", f"this mksquashfs cannot compress with {compressor}", where=str(program),
            hint="use another --profile",
        )  # fmt: skip
    return version


FILESYSTEM = Squashfs()
