"""A layer taken in once: the bytes of its files go to a body, on whole blocks, and its entries to an index beside it.

Both files are named by diffID and by the version of their layout, and appear whole: the body first, then the index that
vouches for it. What a body holds depends on the layer alone, so two processes that make one at once make the same.

Nothing waits for the disk: an index has checksums of itself and of its body, and says since which start of the machine
they are known to be right. After another start, which may have followed a power cut, the body is read once to see.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from bootworthy.errors import IntegrityError
from bootworthy.host.boot import boot_id, same_boot
from bootworthy.host.files import scratch, writing
from bootworthy.layers import index as indexes
from bootworthy.layers import placing, tar
from bootworthy.layers.ahead import ahead, behind
from bootworthy.layers.bounds import bounded
from bootworthy.layers.bulk import bulk
from bootworthy.layers.compression import Meter, inflate
from bootworthy.layers.entry import Entry
from bootworthy.layers.index import Index, Layer
from bootworthy.layers.node import BLOCK, Chunk, Kind
from bootworthy.layers.placing import BodyWriter, Placer
from bootworthy.layers.stream import Stream


@dataclass(frozen=True, slots=True)
class LayerFiles:
    """A layer that was taken in."""

    diff_id: str
    """`sha256:...` of the uncompressed stream."""
    digest: str
    """`sha256:...` of the compressed stream that was read first for this diffID."""
    size: int
    """Of that compressed stream, in bytes."""
    body: Path
    index: Path
    entries: Index | None = field(default=None, repr=False, compare=False)
    """What is in `index`, for the process that has just written it."""

    def load(self) -> Index:
        """The entries.

        Raises:
            IntegrityError: `layer.bad-index`.
        """
        if self.entries is not None:
            return self.entries
        with bulk():
            return indexes.decode(self.index.read_bytes(), where=str(self.index))


def names(folder: Path, diff_id: str) -> tuple[Path, Path]:
    """Where the body and the index of a layer are, if they are."""
    stem = f"{diff_id.removeprefix('sha256:')}.{indexes.VERSION}"
    return folder / f"{stem}.body", folder / f"{stem}.index"


def find(folder: Path, diff_id: str) -> LayerFiles | None:
    """The files of a layer that was taken in before; None when there are none, or none that can be trusted.

    The index is written after its body, so a body that is younger was changed by somebody else.
    """
    body, index = names(folder, diff_id)
    try:
        layer, status = indexes.peek(index.read_bytes()), body.stat()
        if layer.diff_id != diff_id or layer.stored != status.st_size:
            return None
        if status.st_mtime_ns > index.stat().st_mtime_ns:
            return None
        if not same_boot(layer.boot) and not _seen_whole(layer, body, index):
            return None
    except (OSError, IntegrityError):
        return None
    return LayerFiles(diff_id, layer.digest, layer.size, body, index)


def _seen_whole(layer: Layer, body: Path, index: Path) -> bool:
    """Whether a body that was written before the machine started again is what it was; the index then says so."""
    with body.open("rb", buffering=0) as file:
        if placing.checksum(file.fileno()) != layer.checksum:
            return False
    with contextlib.suppress(OSError):  # a cache that may only be read is looked through each time
        indexes.mark(index, boot_id())
    return True


def ingest(
    stream: BinaryIO, media_type: str, folder: Path, *, digest: str | None = None, diff_id: str | None = None,
    seen: Callable[[int], None] | None = None, where: str | None = None,
) -> LayerFiles:  # fmt: skip
    """Take in a layer from its compressed stream, which is read once and to its end, hashed on both sides.

    Args:
        stream: the compressed layer.
        media_type: what its descriptor calls it.
        folder: where body and index are kept.
        digest: what the stream itself holds its bytes to, when it does; then they are not hashed once more.
        diff_id: what the uncompressed stream must hash to, if known; when this layer is there, nothing is read.
        seen: told how many more compressed bytes were read.
        where: what to call the layer in messages.

    Raises:
        IntegrityError: `layer.corrupt`, `layer.bad-tar` or `layer.wrong-diff-id`; what the stream raises.
        SpaceError, HostError: the files cannot be written.
    """
    if diff_id is not None and (found := find(folder, diff_id)) is not None:
        return found
    with scratch(folder, prefix=".layer-") as room:
        body, index = room / "body", room / "index"
        meter = Meter(stream, seen, digest)
        with writing(body), body.open("wb", buffering=0) as file, bulk():
            sums, store = hashlib.sha256(), BodyWriter(file.fileno())
            with behind(sums.update) as hashed, ahead(inflate(meter, media_type, where=where)) as pieces:
                placer = Placer(store.write)
                tape = Stream(_passed(pieces, hashed), where=where)
                entries = [_store(entry, tape, placer) for entry in bounded(tar.read(tape), where=where)]
                tape.drain()
                placer.flush()
            store.finish()
            found_id = f"sha256:{sums.hexdigest()}"
            if diff_id not in {None, found_id}:
                raise _other(found_id, diff_id, where)
        layer = Layer(found_id, meter.digest, meter.size, placer.position, store.checksum, boot_id())
        made = Index(layer, entries)
        with writing(index), bulk():
            index.write_bytes(indexes.encode(made))
        return _publish(folder, made, body, index)


def _publish(folder: Path, made: Index, body: Path, index: Path) -> LayerFiles:
    layer = made.layer
    if (found := find(folder, layer.diff_id)) is not None:
        return found
    final_body, final_index = names(folder, layer.diff_id)
    with writing(folder):
        body.replace(final_body)
        index.replace(final_index)
    return LayerFiles(layer.diff_id, layer.digest, layer.size, final_body, final_index, made)


def _other(found: str, wanted: str | None, where: str | None) -> IntegrityError:
    return IntegrityError(
        "layer.wrong-diff-id", f"the layer's diffID is {found}, not {wanted}", where=where,
        hint="fetch the image again; if that does not help, its publisher must build it again",
    )  # fmt: skip


def _passed(pieces: Iterable[bytes], also: Callable[[bytes], None]) -> Iterator[bytes]:
    """Pieces that somebody else gets too."""
    for piece in pieces:
        also(piece)
        yield piece


def _store(entry: Entry, tape: Stream, body: Placer) -> Entry:
    """Put what the archive holds for an entry into the body; return the entry, which then knows where."""
    size = entry.size
    if entry.kind is not Kind.FILE or not size:
        return entry
    if entry.extents is None:
        entry.chunks = (Chunk(0, size, 0, body.position),)
        whole = tape.whole(size)
        if whole is not None:
            body.put(whole)
        else:
            for view in tape.views(size, "the data of a member"):
                body.put(view)
        body.align()
        return entry
    chunks = []
    for extents in _touching(entry.extents):
        start, end = _down(extents[0][0]), _up(sum(extents[-1]))
        chunks.append(Chunk(start, min(end, entry.size) - start, 0, body.position))
        at = start
        for offset, length in extents:
            body.zeros(offset - at)
            for view in tape.views(length, "the data of a member"):
                body.put(view)
            at = offset + length
        body.align()
    entry.chunks = tuple(chunks)
    return entry


def _touching(extents: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Extents in groups that share blocks or lie in neighbouring ones."""
    group: list[tuple[int, int]] = []
    for extent in extents:
        if group and _down(extent[0]) > _up(sum(group[-1])):
            yield group
            group = []
        group.append(extent)
    if group:
        yield group


def _down(offset: int) -> int:
    return offset - offset % BLOCK


def _up(offset: int) -> int:
    return offset + -offset % BLOCK
