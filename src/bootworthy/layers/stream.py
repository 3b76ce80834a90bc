"""A cursor over the pieces of an uncompressed stream: exact reads for headers, borrowed views for data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bootworthy.errors import IntegrityError


class Stream:
    """Reads pieces in order and knows its position; holds one piece at a time."""

    def __init__(self, pieces: Iterable[bytes], *, where: str | None = None) -> None:
        self._pieces = iter(pieces)
        self._piece = b""
        self._view = memoryview(b"")
        self._at = 0
        self._before = 0
        self.where = where
        """What is read, for messages."""
        self.member = b""
        """Path of the member that is read, for messages; empty between members."""

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._before + self._at

    def _next(self) -> bool:
        """Whether there is anything left, the next piece taken up when this one is used up."""
        while self._at == len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._before += len(self._piece)
            self._piece, self._view, self._at = piece, memoryview(piece), 0
        return True

    def upto(self, size: int) -> bytes:
        """The next `size` bytes, or fewer where the stream ends."""
        end = self._at + size
        if end <= len(self._piece):
            found = self._piece[self._at : end]
            self._at = end
            return found
        return b"".join(self._views(size))

    def exactly(self, size: int, what: str) -> bytes:
        """The next `size` bytes.

        Raises:
            IntegrityError: `layer.bad-tar`, when the stream ends before; `what` names them.
        """
        start = self.position
        found = self.upto(size)
        if len(found) != size:
            raise self.bad(f"ends in the middle of {what}", start)
        return found

    def whole(self, size: int) -> memoryview | None:
        """The next `size` bytes as one view, or None, and nothing is read, when they lie in several pieces."""
        end = self._at + size
        if end > len(self._piece):
            return None
        found = self._view[self._at : end]
        self._at = end
        return found

    def views(self, size: int, what: str) -> Iterator[memoryview]:
        """The next `size` bytes as views of what was inflated, nothing copied.

        Raises:
            IntegrityError: `layer.bad-tar`, when the stream ends before.
        """
        end = self.position + size
        yield from self._views(size)
        if self.position != end:
            raise self.bad(f"ends in the middle of {what}", end)

    def _views(self, size: int) -> Iterator[memoryview]:
        while size and self._next():
            view = self._view[self._at : self._at + size]
            self._at += len(view)
            size -= len(view)
            yield view

    def skip(self, size: int, what: str) -> None:
        """Leave out the next `size` bytes.

        Raises:
            IntegrityError: `layer.bad-tar`, when the stream ends before.
        """
        if self._at + size <= len(self._piece):
            self._at += size
            return
        for _ in self.views(size, what):
            pass

    def skip_upto(self, size: int) -> None:
        """Leave out the next `size` bytes, or fewer where the stream ends."""
        if self._at + size <= len(self._piece):
            self._at += size
            return
        for _ in self._views(size):
            pass

    def drain(self) -> None:
        """Read to the end, so that whoever counts and hashes below has seen everything."""
        self._at = len(self._piece)
        while self._next():
            self._at = len(self._piece)

    def bad(self, message: str, position: int | None = None) -> IntegrityError:
        """The error for an archive that is malformed at a position (here, when none is given)."""
        at = self.position if position is None else position
        member = f", in `{self.member[:120].decode(errors='backslashreplace')}`" if self.member else ""
        return IntegrityError(
            "layer.bad-tar",
            f"the layer is no good tar archive: {message} (at byte {at} of the uncompressed layer{member})",
            where=self.where, hint="build or fetch the image again; this layer cannot be used",
        )  # fmt: skip
