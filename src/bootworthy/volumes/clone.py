"""A volume of its own for each VM: shared blocks where the filesystem has reflinks, else an overlay, else a copy."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bootworthy.errors import DocumentError, UsageError
from bootworthy.host import copies, files
from bootworthy.host.progress import QUIET, Progress
from bootworthy.oci.blobs import reading
from bootworthy.volumes import qcow2

_MODE = 0o600
"""What a VM writes into its root, keys among it, is its owner's."""


class Format(StrEnum):
    """How a clone is stored."""

    RAW = "raw"
    QCOW2 = "qcow2"


EITHER = frozenset(Format)
RAW = frozenset({Format.RAW})


class Way(StrEnum):
    """How a clone came to be."""

    REFLINK = "reflink"
    """It shares the blocks of its volume until they are written."""
    OVERLAY = "overlay"
    """It holds what is written, over its volume, which must stay as and where it is."""
    COPY = "copy"
    """It is a copy, holes left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """A volume that was cloned."""

    path: Path
    way: Way
    format: Format
    size: int
    """Bytes of the disk that the guest sees."""
    backing: Path | None
    """What an overlay lies over."""


def clone(
    volume: Path, out: Path, *, formats: frozenset[Format] = EITHER, size: int | None = None,
    force: bool = False, records: Path | None = None, progress: Progress = QUIET,
) -> Clone:  # fmt: skip
    """Clone a raw volume, which is only read.

    Args:
        volume: the file.
        out: appears whole or not at all. A name that ends in `.qcow2` asks for an overlay.
        formats: what the VMM reads; raw shared blocks are preferred, then an overlay, then a copy.
        size: bytes to grow it to; the filesystem in it grows when the guest does it.
        force: replace `out` if it is there.
        records: folder that keeps which overlays lie over which files, for whoever cleans those.
        progress: told of bytes that are copied.

    Raises:
        UsageError: `clone.exists`, `clone.same`, `clone.too-small`, `clone.not-raw`, `clone.format`.
        NotFoundError: `file.missing`.
        SpaceError, HostError: as `host.files.writing`.
    """
    wanted = formats & {Format.QCOW2} if out.suffix == ".qcow2" else formats
    if not wanted:
        raise UsageError(
            "clone.format", "the VMM reads no qcow2, and the name asks for it", where=str(out), hint="name it .raw"
        )
    with reading(volume):
        source = volume.open("rb", buffering=0)
        overlaid = qcow2.read(volume) is not None
    with source:
        there = os.fstat(source.fileno()).st_size
        _refuse(volume, out, there, size, overlaid=overlaid, force=force)
        larger, backing = max(size or 0, there), volume.resolve()
        with files.atomic(out, mode=_MODE, sync=False) as file:
            way = _raw(source.fileno(), file.fileno(), wanted, progress)
            if way is not None:
                os.ftruncate(file.fileno(), larger)
                return Clone(path=out, way=way, format=Format.RAW, size=larger, backing=None)
            file.write(qcow2.overlay(backing, larger))
            if records is not None:  # before there is an overlay, so that none is without
                _record(records, out.resolve(), backing)
    return Clone(path=out, way=Way.OVERLAY, format=Format.QCOW2, size=larger, backing=backing)


def backings(records: Path) -> Iterator[tuple[Path, Path | None]]:
    """Every record of an overlay, with the file that it lies over; None when there is no such overlay any more."""
    for record in sorted(records.glob("*.json")):
        backing = None
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError, DocumentError):
            fields = json.loads(record.read_bytes())
            found = qcow2.read(Path(fields["clone"]))
            if found is not None and str(found.backing) == fields["backing"]:
                backing = found.backing
        yield record, backing


def _raw(source: int, target: int, wanted: frozenset[Format], progress: Progress) -> Way | None:
    if Format.RAW not in wanted:
        return None
    if copies.share(source, target):
        return Way.REFLINK
    if Format.QCOW2 in wanted:
        return None
    with progress.task("copying a volume", os.fstat(source).st_blocks * 512) as task:
        copies.copy_sparse(source, target, task.advance)
    return Way.COPY


def _refuse(volume: Path, out: Path, there: int, size: int | None, *, overlaid: bool, force: bool) -> None:
    if size is not None and size < there:
        raise UsageError(
            "clone.too-small", f"{size} bytes are fewer than the {there} of the volume", where=str(volume),
            hint="a clone can only grow; convert the image again for a smaller one",
        )  # fmt: skip
    if overlaid:
        raise UsageError(
            "clone.not-raw", "this is an overlay itself", where=str(volume), hint="clone the volume that it lies over"
        )
    if out.exists() and out.samefile(volume):
        raise UsageError("clone.same", "this is the volume itself", where=str(out), hint="name another file")
    if not force and (out.exists() or out.is_symlink()):
        raise UsageError("clone.exists", "this is there already", where=str(out), hint="add --force to replace it")


def _record(records: Path, clone: Path, backing: Path) -> None:
    name = hashlib.sha256(os.fsencode(clone)).hexdigest()
    fields = {"clone": str(clone), "backing": str(backing)}
    files.write(records / f"{name}.json", json.dumps(fields).encode())  # escaped: a path may be no UTF-8
