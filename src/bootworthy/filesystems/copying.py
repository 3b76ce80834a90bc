"""File data from bodies into a volume: blocks shared where the disk can, else written once, past the page cache."""

from __future__ import annotations

import collections
import contextlib
import os
import queue
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from bootworthy.errors import IntegrityError
from bootworthy.host import copies, direct
from bootworthy.host.direct import UNIT, DirectWriter, room
from bootworthy.host.progress import Task
from bootworthy.layers.node import BLOCK, Tree

_WINDOW = 4 << 20
_WINDOWS = 3


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


class _Piece(NamedTuple):
    """Bytes that a body stores, and where they go."""

    source: int
    position: int
    target: int
    length: int


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


def copy(tree: Tree, runs: Sequence[Copy], target: int, task: Task) -> None:
    """Copy runs into the file of a descriptor, which has holes there; what is a hole in a body stays one.

    Raises:
        IntegrityError: `volume.body`, when a body is shorter than the tree says.
        OSError: as the operating system says.
    """
    with contextlib.ExitStack() as stack:
        pieces = list(_pieces(tree, runs, stack))
        task.advance(sum([run.length for run in runs]) - sum([piece.length for piece in pieces]))
        if _shared(pieces, target, task):
            return
        if not direct.pays(sum([piece.length for piece in pieces])):
            for source, position, place, length in pieces:
                _whole(copies.copy(source, position, target, place, length, task.advance), length)
            return
        writer = DirectWriter(target)
        stack.callback(writer.close)
        _through_windows(pieces, writer, task)


def blank(target: int, size: int) -> None:
    """Give a file a size, all of it a hole, whatever it held.

    One that is empty is not cut: when a file is closed that was cut to nothing, ext4 first begins to write all of it
    to the disk (ext4: mount option `auto_da_alloc`).

    Raises:
        OSError: as the operating system says.
    """
    if os.fstat(target).st_size:
        os.ftruncate(target, 0)
    os.ftruncate(target, size)


def write_at(target: int, data: bytes | bytearray, place: int) -> None:
    """Write all of some bytes at a place."""
    view = memoryview(data)
    while view:
        done = os.pwrite(target, view, place)
        view, place = view[done:], place + done


def _pieces(tree: Tree, runs: Iterable[Copy], stack: contextlib.ExitStack) -> Iterator[_Piece]:
    """What bodies store of the runs; they stay open as long as the stack."""
    opened: dict[int, tuple[int, int]] = {}
    for body, position, place, length in runs:
        if body not in opened:
            file = stack.enter_context(tree.bodies[body].open("rb", buffering=0))
            opened[body] = file.fileno(), os.fstat(file.fileno()).st_size
        source, size = opened[body]
        # the zeros that fill the last block of a body may be missing
        there = min(length, size - position)
        if there <= length - BLOCK:
            raise IntegrityError(
                "volume.body", "it is shorter than its index says", where=str(tree.bodies[body]),
                hint="remove it and convert again",
            )  # fmt: skip
        for start, end in copies.stored(source, position, position + there):
            yield _Piece(source, start, place + start - position, end - start)


def _shared(pieces: Sequence[_Piece], target: int, task: Task) -> bool:
    """Whether the filesystem shares blocks; then it has done so for all of them."""
    for number, (source, position, place, length) in enumerate(pieces):
        if not copies.share_range(source, position, length, target, place):
            if number:
                _whole(copies.copy(source, position, target, place, length), length)
            else:
                return False
        task.advance(length)
    return True


def _through_windows(pieces: Iterable[_Piece], writer: DirectWriter, task: Task) -> None:
    """Read into windows, which another thread writes meanwhile."""
    free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
    for _ in range(_WINDOWS):
        free.put(room(_WINDOW))

    def put(window: memoryview, used: int, place: int) -> None:
        try:
            writer.write(window[:used], place)
            task.advance(used)
        finally:
            free.put(window)

    with ThreadPoolExecutor(1, "write") as pool:
        writes: collections.deque[Future[None]] = collections.deque()
        for place, parts in _windows(pieces):
            window = free.get()
            while writes and writes[0].done():
                writes.popleft().result()
            writes.append(pool.submit(put, window, _fill(window, parts), place))
        for write in writes:
            write.result()


def _windows(pieces: Iterable[_Piece]) -> Iterator[tuple[int, list[_Piece]]]:
    """Pieces that follow each other in the volume, cut into windows, each with its place."""
    parts: list[_Piece] = []
    place = end = 0
    for source, position, target, length in pieces:
        done = 0
        while done < length:
            if parts and (end != target + done or end - place == _WINDOW):
                yield place, parts
                parts = []
            if not parts:
                place = end = target + done
            count = min(length - done, place + _WINDOW - end)
            parts.append(_Piece(source, position + done, end, count))
            done, end = done + count, end + count
        end += -end % UNIT
    if parts:
        yield place, parts


def _fill(window: memoryview, parts: Iterable[_Piece]) -> int:
    """Read pieces one behind the other, each filled up with zeros to a whole block; bytes used."""
    used = 0
    for source, position, _, length in parts:
        done = 0
        while done < length:
            count = os.preadv(source, [window[used + done : used + length]], position + done)
            if not count:
                _whole(done, length)
            done += count
        used += length
        gap = -used % UNIT
        window[used : used + gap] = bytes(gap)
        used += gap
    return used


def _whole(done: int, length: int) -> None:
    if done < length:
        raise IntegrityError(
            "volume.body", "a layer's body became shorter while it was read", hint="let nobody else write the cache",
        )  # fmt: skip
