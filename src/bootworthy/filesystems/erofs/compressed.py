"""Compressed erofs, by `mkfs.erofs` (1.7 or later) out of the merged tar: no tree on disk."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from bootworthy.errors import HostError
from bootworthy.filesystems import tarred
from bootworthy.filesystems.erofs import xattr
from bootworthy.filesystems.erofs.plan import LIMITS
from bootworthy.filesystems.streamed import LeftOut, StreamedVolume
from bootworthy.host import processes
from bootworthy.host.progress import Progress
from bootworthy.host.tools import Tool
from bootworthy.layers.node import Kind, Node, Tree

MKFS = Tool("mkfs.erofs", "erofs-utils", "write compressed erofs")
PROFILES = ("lz4", "lz4hc", "zstd", "lzma", "deflate")
_LEVELS = {"lz4": "lz4", "lz4hc": "lz4hc,9", "zstd": "zstd,9", "lzma": "lzma,6", "deflate": "deflate,6"}
_CLUSTER = 65536
"""Bytes that are compressed together at most."""
_READS_TAR = (1, 7)
_VERSION = re.compile(r"\b(\d+)\.(\d+)(?:\.\d+)*\b")
_SAID = 400
_LIMITS = replace(LIMITS, times=(0, 2**63 - 1))
"""It takes times before 1970 for as long after it."""
_LARGEST_MINOR = 2**19 - 1
"""Version 1.8.6 makes others of what is larger."""
_LARGEST_XATTRS = 24 * 1024
"""Bytes; it fails on extended headers of more than its buffer."""


def prepare(tree: Tree, profile: str, *, label: str, uuid: UUID, time: int) -> StreamedVolume:
    """Plan a compressed volume.

    Raises:
        RefusedError: the tree holds something that erofs cannot keep.
        HostError: `tool.missing`, `erofs.tool-too-old`, `erofs.no-compressor`.
    """
    tarred.check(tree, _LIMITS)
    for path, node in tree.walk():
        _check(path, node)
    program = MKFS.require()
    version = _version(program)
    compressors = processes.run([program, "--help"], check=False)
    names = re.findall(r"[a-z0-9]+", (compressors.stdout + compressors.stderr).decode(errors="replace"))
    if profile not in names:
        raise HostError(
            "erofs.no-compressor", f"this mkfs.erofs ({version}) cannot compress with {profile}", where=str(program),
            hint=f"use another of {', '.join(each for each in PROFILES if each in names)}",
        )  # fmt: skip
    argv = (
        str(program), "--tar=f", f"-z{_LEVELS[profile]}", f"-C{_CLUSTER}", f"-T{time}", "--mkfs-time", f"-U{uuid}",
        *([f"-L{label}"] if label else []), "--quiet", tarred.OUT,
    )  # fmt: skip
    return StreamedVolume(
        "erofs", profile, functools.partial(_write, argv, tree),
        LeftOut.of(tree, _keeps, sockets=False),
        {"uuid": str(uuid), "mkfs.erofs": version},
    )  # fmt: skip


def _check(path: bytes, node: Node) -> None:
    """Refuse what mkfs.erofs does not read, or makes something else of."""
    if node.xattrs:
        xattr.pack(node.xattrs, path, _LIMITS)
        size = sum(len(name) + len(value) for name, value in node.xattrs)
        if size > _LARGEST_XATTRS:
            raise _LIMITS.refused(
                "xattr-too-large", path, f"its extended attributes have {size} bytes",
                f"compressed erofs can be made of {_LARGEST_XATTRS}",
            )  # fmt: skip
    if node.kind in {Kind.CHARACTER, Kind.BLOCK} and node.device[1] > _LARGEST_MINOR:
        raise _LIMITS.refused(
            "device", path, f"mkfs.erofs changes the device {node.device[0]}:{node.device[1]}",
            f"minors are at most {_LARGEST_MINOR} in compressed erofs",
        )  # fmt: skip


def _write(argv: tuple[str, ...], tree: Tree, file: BinaryIO, progress: Progress) -> None:
    # it reads a fraction without its last zeros as a smaller one
    tarred.into(
        argv, tarred.members(tree, _keeps, fractions=False), file, progress, ("writing erofs", tarred.content(tree))
    )


def _keeps(_path: bytes, name: bytes) -> bool:
    return xattr.supported(name)


def _version(program: Path) -> str:
    done = processes.run([program, "-V"], check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")[:_SAID]
    found = _VERSION.search(said)
    version = found[0] if found else "of an unknown version"
    if found is None or (int(found[1]), int(found[2])) < _READS_TAR:
        raise HostError(
            "erofs.tool-too-old", f"this takes mkfs.erofs 1.7 or later, which reads a tar; this is {version}",
            where=str(program),
            hint="install a newer erofs-utils (Debian 13 has 1.8), or use --profile flat, or --to squashfs",
        )  # fmt: skip
    return version
