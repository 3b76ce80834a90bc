"""File data from bodies into a volume, copied by the kernel, which shares blocks where the disk can."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from typing import NamedTuple

from bootworthy.errors import IntegrityError
from bootworthy.host import copies
from bootworthy.host.progress import Task
from bootworthy.layers.node import BLOCK, Tree


class Copy(NamedTuple):
    """A run of whole blocks that comes from a body."""

    body: int
    """Index into `Tree.bodies`."""
    position: int
    """Where in the body, in bytes."""
    target: int
    """Where in the volume, in bytes."""
    length: int
    """In bytes, whole blocks."""


def append(runs: list[Copy], new: Copy) -> None:
    """Add a run, joined with the last one where it continues it on both sides."""
    if runs:
        last = runs[-1]
        if (
            last.body == new.body
            and last.position + last.length == new.position
            and last.target + last.length == new.target
        ):
            runs[-1] = last._replace(length=last.length + new.length)
            return
    runs.append(new)


def copy(tree: Tree, runs: Iterable[Copy], target: int, task: Task) -> None:
    """Copy runs into the file of a descriptor, whose last block may stay a hole.

    Raises:
        IntegrityError: `volume.body`, when a body is shorter than the tree says.
        OSError: as the operating system says.
    """
    with contextlib.ExitStack() as stack:
        opened: dict[int, tuple[int, int]] = {}
        for body, position, place, length in runs:
            if body not in opened:
                file = stack.enter_context(tree.bodies[body].open("rb"))
                opened[body] = file.fileno(), os.fstat(file.fileno()).st_size
            source, size = opened[body]
            # the zeros that fill the last block of a body may be missing
            there = min(length, size - position)
            if there <= length - BLOCK or copies.copy(source, position, target, place, there, task.advance) < there:
                raise IntegrityError(
                    "volume.body", "it is shorter than its index says", where=str(tree.bodies[body]),
                    hint="remove it and convert again",
                )  # fmt: skip


def write_at(target: int, data: bytes | bytearray, place: int) -> None:
    """Write all of some bytes at a place."""
    view = memoryview(data)
    while view:
        done = os.pwrite(target, view, place)
        view, place = view[done:], place + done
