"""The devices of a volume, beside it: bodies of the cache by another name, so that all volumes of a layer share one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bootworthy.host import copies, files
from bootworthy.layers.node import BLOCK


def name(volume: Path, number: int) -> Path:
    """Where a device of a volume is; they count from 1."""
    return volume.with_name(f"{volume.name}.{number}")


@contextmanager
def beside(volume: Path, bodies: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """Put bodies where the devices of a volume are; those that were not there are gone again if the block fails.

    A device is a hard link where it can be one, else a copy, which shares blocks where the disk can.

    Raises:
        SpaceError, HostError: as `host.files.writing`.
    """
    placed = tuple(name(volume, number) for number in range(1, len(bodies) + 1))
    new = [path for path in placed if not path.exists()]
    try:
        for body, path in zip(bodies, placed, strict=True):
            _place(body, path)
        yield placed
    except BaseException:
        for path in new:
            path.unlink(missing_ok=True)
        raise


def _place(body: Path, path: Path) -> None:
    if path.exists() and path.samefile(body):
        return
    if body.stat().st_size % BLOCK == 0 and _linked(body, path):
        return
    with body.open("rb") as source, files.atomic(path) as target:
        if not copies.share(source.fileno(), target.fileno()):
            copies.copy_sparse(source.fileno(), target.fileno())
        # devices are whole blocks
        size = os.fstat(target.fileno()).st_size
        os.ftruncate(target.fileno(), size + -size % BLOCK)


def _linked(body: Path, path: Path) -> bool:
    """Whether it could be made another name of the body: not on another disk, nor where links are not allowed."""
    with files.writing(path), files.scratch(path.parent, prefix=f".{path.name[:100]}.") as folder:
        try:
            (folder / "link").hardlink_to(body)
        except OSError:
            return False
        (folder / "link").replace(path)
    return True
