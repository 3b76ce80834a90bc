"""Where blobs lie, and reading them so that nobody gets wrong bytes unnoticed."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from bootworthy.errors import HostError, IntegrityError, NotFoundError
from bootworthy.oci.digest import Hasher
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.fields import LIMIT, too_large

_BUFFER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """A run of bytes in a file: a whole blob of a layout, or a member of an archive."""

    path: Path
    offset: int
    """In bytes."""
    size: int
    """In bytes."""


class Blobs(Protocol):
    """Somewhere blobs can be read from by digest: the store, another layout, an archive."""

    def locate(self, digest: str) -> Span:
        """Where a blob lies.

        Raises:
            NotFoundError: `store.no-blob`.
            IntegrityError: `digest.bad`.
        """

    def remedy(self, span: Span, /) -> str:
        """What a person does when the bytes there are wrong."""


def open_verified(blobs: Blobs, descriptor: Descriptor, *, where: str | None = None) -> BinaryIO:
    """A blob as a stream that can be trusted once it was read to its end, or to its last byte.

    A consumer that stumbles over the bytes before that should read on to the end and let the stream say that they
    were corrupt (`drain`), and only complain about what is in them when it does not. `where` says what it is part of,
    for messages.

    Raises:
        IntegrityError: `store.corrupt-blob`, here when the size is wrong, at the end of reading when the digest is.
        NotFoundError: `store.no-blob`.
    """
    return io.BufferedReader(_Checked(blobs, descriptor, where), _BUFFER)


def drain(stream: BinaryIO) -> None:
    """Read what is left of a stream, so that one of `open_verified` gives its verdict.

    Raises:
        IntegrityError: `store.corrupt-blob`.
    """
    while stream.read(_BUFFER):
        pass


def read(blobs: Blobs, descriptor: Descriptor) -> bytes:
    """A whole small blob: a manifest, an index, a configuration.

    Raises:
        IntegrityError: `store.corrupt-blob`.
        NotFoundError: `store.no-blob`.
        DocumentError: `oci.too-large`.
    """
    if descriptor.size > LIMIT:
        raise too_large("document", str(blobs.locate(descriptor.digest).path), descriptor.size)
    with open_verified(blobs, descriptor) as stream:
        return stream.read()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the operating system says about reading `path` into errors for people.

    Raises:
        NotFoundError: `file.missing`.
        HostError: `file.unreadable`.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError("file.missing", "there is no such file", where=str(path)) from error
    except OSError as error:
        raise HostError("file.unreadable", f"could not read: {error.strerror}", where=str(path)) from error


@contextlib.contextmanager
def _part_of(where: str | None) -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        error.where = f"{where}, {error.where}" if where else error.where
        raise


class _Checked(io.RawIOBase):
    """The bytes of one span, compared with a descriptor while they pass."""

    def __init__(self, blobs: Blobs, descriptor: Descriptor, where: str | None) -> None:
        super().__init__()
        with _part_of(where):
            span = blobs.locate(descriptor.digest)
        self._span = span
        place = str(span.path)
        self._where = place if where is None else where if place in where else f"{where}, {place}"
        self._remedy = blobs.remedy(span)
        self._wanted = descriptor.digest
        self._hasher = Hasher.like(descriptor.digest)
        self._left = span.size
        if span.size != descriptor.size:
            raise self._corrupt(f"it has {span.size} bytes instead of {descriptor.size}")
        with reading(span.path):
            self._file = span.path.open("rb", buffering=0)
            self._file.seek(span.offset)
        try:
            self._judge()
        except IntegrityError:
            self._file.close()
            raise

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        with memoryview(buffer) as given, given.cast("B") as whole, whole[: self._left] as view:  # type: ignore[arg-type]
            if not len(view):
                self._judge()
                return 0
            with reading(self._span.path):
                count = self._file.readinto(view)
            if not count:
                raise self._corrupt(f"it ends {self._left} bytes early")
            self._hasher.update(view[:count])
        self._left -= count
        self._judge()
        return count

    def close(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()
        super().close()

    def _judge(self) -> None:
        """At the end, whoever reads on after the verdict gets it again."""
        if self._left == 0 and self._hasher.digest != self._wanted:
            raise self._corrupt(f"its bytes have the digest {self._hasher.digest}")

    def _corrupt(self, detail: str) -> IntegrityError:
        return IntegrityError(
            "store.corrupt-blob", f"blob {self._wanted} is corrupt: {detail}", where=self._where, hint=self._remedy
        )
