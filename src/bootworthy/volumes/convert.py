"""A tree into a volume file: planned, written beside its final name, and only then given it.

Nothing waits for the disk, as with cp. A volume in the cache is therefore looked through once after the machine started
again, which may have followed a power cut; for a file elsewhere, sync(1) is there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bootworthy.filesystems import writer
from bootworthy.filesystems.writer import Planned, VolumeOptions
from bootworthy.host import files
from bootworthy.host.boot import boot_id, same_boot
from bootworthy.host.leases import Lease
from bootworthy.host.locks import locked
from bootworthy.host.progress import QUIET, Progress
from bootworthy.layers.node import Tree
from bootworthy.oci.canonical import canonical_json
from bootworthy.volumes import devices
from bootworthy.volumes.identity import Source

_SECOND = 10**9
_PIECE = 4 << 20


@dataclass(frozen=True, slots=True)
class VolumeFile:
    """A volume in the cache."""

    path: Path
    digest: str
    """`sha256:...` of its bytes."""


def convert(
    tree: Tree, source: Source, filesystem: str, options: VolumeOptions, out: Path, progress: Progress = QUIET
) -> Planned:
    """Write a volume to `out`, which appears whole or not at all; its devices, if it has any, stand beside it first.

    Raises:
        SpaceError: `options.size` is too small, or the disk is full.
        UsageError, RefusedError: as `filesystems.writer.Filesystem.prepare`.
    """
    uuid = options.uuid or source.uuid
    prepared = writer.filesystem(filesystem).prepare(tree, options, uuid=uuid, time=newest(tree))
    with devices.beside(out, prepared.planned.devices) as placed, files.atomic(out, sync=False) as file:
        prepared.write(file, progress)
    return replace(prepared.planned, devices=placed)


def newest(tree: Tree) -> int:
    """The time of the newest thing in a tree, in seconds since 1970, as far as a superblock's 32 bits go: when a volume
    of it says it was made.
    """
    found = tree.root.mtime
    folders = [tree.root]
    while folders:
        for node in folders.pop().children.values():
            found = max(found, node.mtime)
            if node.children:
                folders.append(node)
    return min(2**32 - 1, max(0, found // _SECOND))


class Cache:
    """Volumes that were made before, by the hash of what they are made from, in a folder for each image.

    A volume that was obtained is leased for as long as `lease` holds.
    """

    def __init__(self, folder: Path, lease: Lease | None = None) -> None:
        self._folder = folder
        self._lease = lease

    def obtain(
        self, tree: Callable[[], Tree], source: Source, filesystem: str, options: VolumeOptions,
        progress: Progress = QUIET,
    ) -> VolumeFile:  # fmt: skip
        """Find a volume, or make it; `tree` is only called when it has to be made.

        Raises:
            As `convert`.
        """
        revision = writer.filesystem(filesystem).revision
        key = source.key(filesystem, revision, options.as_json())
        if self._lease is not None:
            self._lease.hold(source.owner)
        home = source.home(self._folder)
        volume, record = home / f"{key}.{filesystem}", home / f"{key}.json"
        with locked(home / f"{key}.lock"):
            digest = _recorded(volume, record)
            if digest is None:
                convert(tree(), source, filesystem, options, volume, progress)
                digest = sparse_digest(volume)
                _record(volume, record, digest)
        return VolumeFile(volume, digest)


def _record(volume: Path, record: Path, digest: str) -> None:
    status = volume.stat()
    fields = {"digest": digest, "size": status.st_size, "mtime": status.st_mtime_ns, "boot": boot_id().hex()}
    files.write(record, canonical_json(fields))


def _recorded(volume: Path, record: Path) -> str | None:
    """The digest of a volume that is there and is what was recorded; it is read to see if it was touched since, or
    the machine started again.
    """
    try:
        fields, status = json.loads(record.read_bytes()), volume.stat()
        digest = str(fields["digest"])
        if fields["size"] != status.st_size:
            return None
        if fields["mtime"] != status.st_mtime_ns or not same_boot(bytes.fromhex(fields["boot"])):
            if sparse_digest(volume) != digest:
                return None
            _record(volume, record, digest)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return digest


def sparse_digest(path: Path, *, told: bool = False) -> str:
    """`sha256:...` of a file's bytes; holes are hashed without being read, or `told` by their length alone: then files
    of terabytes take no time, and the same bytes with other holes have another digest.
    """
    hasher = hashlib.sha256()
    zeros = bytes(_PIECE)
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        while at < size:
            data = _seek(file.fileno(), at, os.SEEK_DATA, size)
            if told and at < data:
                hasher.update(b"%d zeros" % (data - at))
                at = data
            while at < data:
                count = min(_PIECE, data - at)
                hasher.update(memoryview(zeros)[:count])
                at += count
            end = _seek(file.fileno(), at, os.SEEK_HOLE, size) if at < size else size
            file.seek(at)
            while at < end:
                piece = file.read(min(_PIECE, end - at))
                hasher.update(piece)
                at += len(piece)
    return f"sha256:{hasher.hexdigest()}"


def _seek(descriptor: int, at: int, whence: int, size: int) -> int:
    try:
        return os.lseek(descriptor, at, whence)
    except OSError:  # ENXIO: nothing but a hole from here on
        return size
