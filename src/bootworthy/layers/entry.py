"""One member of a layer: what its tar header said, before layers are merged."""

from __future__ import annotations

from dataclasses import dataclass

from bootworthy.layers.node import Chunk, Kind


@dataclass(slots=True)
class Entry:
    """A tar member as it was read: nothing is resolved, nothing is judged. Times are nanoseconds since 1970."""

    path: bytes
    """As written, without slashes at its end; b"." or b"" is the root."""
    kind: Kind | None
    """None for a hard link: it is whatever `target` is."""
    mode: int = 0o644
    """Permission bits only (07777)."""
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    """Bytes of a regular file, holes included."""
    target: bytes = b""
    """Where a symbolic link points; the path in the archive that a hard link is another name of."""
    device: tuple[int, int] = (0, 0)
    """Major and minor of a device node."""
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    """Full name and value, sorted by name."""
    extents: tuple[tuple[int, int], ...] | None = None
    """Offset and length of what a sparse file stores, in order, zero lengths left out; None for all of it."""
    data: int = 0
    """Where its stored bytes begin in the uncompressed stream."""
    chunks: tuple[Chunk, ...] = ()
    """Where its bytes lie in the layer's body (`body` is 0 in all of them); empty before there is a body."""

    @property
    def hardlink(self) -> bool:
        """Whether this is one more name of another member."""
        return self.kind is None

    @property
    def stored(self) -> int:
        """Bytes that the archive holds for it."""
        if self.kind is not Kind.FILE:
            return 0
        return self.size if self.extents is None else sum(length for _, length in self.extents)
