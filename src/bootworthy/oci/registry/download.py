"""One blob, streamed, held against its size and digest, and taken up again where it broke off."""

from __future__ import annotations

import re
from typing import Protocol, cast

from bootworthy.errors import IntegrityError, NetworkError
from bootworthy.oci.digest import Hasher
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.registry.remote import Advance, Effort, Patience, Remote, number, wrong_digest
from bootworthy.oci.registry.wire import Reply

_PIECE = 1 << 20
_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)


class Sink(Protocol):
    """Where a blob goes. What was written is good only when `fetch` has returned."""

    def write(self, data: bytes | memoryview, /) -> int:
        """Take in bytes; how many of them."""


class Kept(Sink, Protocol):
    """A sink that has the beginning of the blob already."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes of what is there."""

    def seek(self, offset: int, /) -> int:
        """Go to a byte."""

    def truncate(self, size: int, /) -> int:
        """Forget everything from a byte on."""


def fetch(
    remote: Remote, descriptor: Descriptor, sink: Sink, *, start: int, advance: Advance, patience: Patience
) -> None:
    """Write one blob to a sink; `Repository.fetch` says how."""
    if not start:
        _Download(remote, descriptor, sink, advance, patience).run()
        return
    kept = cast("Kept", sink)
    first = _Download(remote, descriptor, sink, advance, patience, told=start)
    try:
        first.take_in(kept, start)
        first.run()
    except IntegrityError:
        # What was kept may have been wrong; a whole download is the judge.
        kept.truncate(0)
        kept.seek(0)
        _Download(remote, descriptor, sink, advance, patience, told=first.told).run()


class _Download:
    """Bytes so far, their hash, and how to get the rest."""

    def __init__(
        self, remote: Remote, descriptor: Descriptor, sink: Sink, advance: Advance, patience: Patience, told: int = 0
    ) -> None:
        self.told = told
        self._remote = remote
        self._wanted = descriptor
        self._sink = sink
        self._advance = advance
        self._patience = patience
        self._effort = Effort(patience)
        self._hasher = Hasher.like(descriptor.digest)
        self._position = 0
        self._ranged = True
        self._where = remote.where(descriptor.digest)

    def take_in(self, kept: Kept, start: int) -> None:
        """Hash what an earlier run left; what is beyond it is cut off.

        Raises:
            IntegrityError: there is more than there can be.
        """
        if start > self._wanted.size:
            raise self._wrong_size(f"{start} bytes were kept of {self._wanted.size}")
        kept.seek(0)
        while self._position < start and (piece := kept.read(min(_PIECE, start - self._position))):
            self._hasher.update(piece)
            self._position += len(piece)
        kept.truncate(self._position)
        kept.seek(self._position)
        self._effort = Effort(self._patience, self._position)

    def run(self) -> None:
        """Get the rest, and judge the whole.

        Raises:
            IntegrityError: `registry.wrong-size`, `registry.wrong-digest`.
            NetworkError: `registry.broken`; and as `Wire.request`.
        """
        while self._position < self._wanted.size:
            problem = self._once()
            if problem is not None and self._position < self._wanted.size:
                self._effort.failed(self._position, problem)
        if self._hasher.digest != self._wanted.digest:
            raise wrong_digest(
                self._where, f"the {self._wanted.size} bytes that came have the digest {self._hasher.digest}"
            )

    def _once(self) -> Exception | None:
        """One request, as far as it goes; what was wrong with it."""
        ranged = self._ranged and self._position > 0
        with self._remote.wire.request(
            "GET", self._remote.target("blobs", self._wanted.digest), scopes=self._remote.pull,
            headers={"Range": f"bytes={self._position}-"} if ranged else {}, accept={200, 206, 416},
        ) as reply:  # fmt: skip
            if reply.status == 200:
                length = number(reply.headers, "content-length")
                if length is not None and length != self._wanted.size:
                    raise self._wrong_size(f"the registry sends {length} bytes instead of {self._wanted.size}")
                return self._take(reply, self._position)
            if reply.status == 206 and self._continues(reply):
                return self._take(reply, 0)
        # It cannot continue there: the whole once more, of which what is here already is passed over.
        self._ranged = False
        return self._early("the registry does not send the part that was asked for")

    def _continues(self, reply: Reply) -> bool:
        """Whether a partial answer begins where we stand.

        Raises:
            IntegrityError: it is part of something of another size.
        """
        match = _CONTENT_RANGE.fullmatch(reply.headers.get("content-range", "").strip())
        if match is None:
            return False
        if match[3] != "*" and int(match[3]) != self._wanted.size:
            raise self._wrong_size(f"the registry has {match[3]} bytes instead of {self._wanted.size}")
        return int(match[1]) == self._position and int(match[2]) < self._wanted.size

    def _take(self, reply: Reply, skip: int) -> Exception | None:
        stream = reply.stream(_PIECE)
        while True:
            try:
                piece = next(stream, b"")
            except NetworkError as error:
                return self._early(error.message, error)
            if not piece:
                return self._early("the registry's answer ends too soon")
            if skip >= len(piece):
                skip -= len(piece)
            elif skip:
                self._give(memoryview(piece)[skip:])
                skip = 0
            else:
                self._give(piece)

    def _give(self, piece: bytes | memoryview) -> None:
        if len(piece) > self._wanted.size - self._position:
            raise self._wrong_size(f"the registry sends more than {self._wanted.size} bytes")
        self._hasher.update(piece)
        done = self._sink.write(piece)
        while done < len(piece):
            done += self._sink.write(memoryview(piece)[done:])
        self._position += len(piece)
        if self._position > self.told:
            self._advance(self._position - self.told)
            self.told = self._position

    def _early(self, message: str, cause: NetworkError | None = None) -> NetworkError:
        error = NetworkError(
            "registry.broken", f"broke off at byte {self._position} of {self._wanted.size}, again and again: {message}",
            where=self._where, hint="run it again: it goes on from where it is, if what came was kept",
        )  # fmt: skip
        error.__cause__ = cause
        return error

    def _wrong_size(self, message: str) -> IntegrityError:
        return IntegrityError(
            "registry.wrong-size", message, where=self._where,
            hint="the registry holds another blob under this digest, or a proxy before it changes what it sends",
        )  # fmt: skip
