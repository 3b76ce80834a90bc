"""Digest strings, `sha256:` and lower-case hexadecimal (OCI image-spec v1.1, descriptor.md, "Digests")."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

from bootworthy.errors import IntegrityError

_FORM = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def is_valid(text: str) -> bool:
    """Whether this is a digest of an algorithm we can compute; such a string is also safe as a path."""
    return _FORM.fullmatch(text) is not None


def validate(text: str) -> str:
    """The digest itself.

    Raises:
        IntegrityError: `digest.bad`.
    """
    if not is_valid(text):
        raise IntegrityError(
            "digest.bad", f"{text[:160]!r} is not a digest",
            hint="a digest is `sha256:` and 64, or `sha512:` and 128, lower-case hexadecimal digits",
        )  # fmt: skip
    return text


def of(data: bytes | bytearray | memoryview) -> str:
    """The sha256 digest of some bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def short(text: str) -> str:
    """The first 12 hexadecimal digits, as published names carry them."""
    return text.partition(":")[2][:12]


def blob_name(text: str) -> PurePosixPath:
    """Where a layout keeps a blob, relative to its root (image-layout.md, "Blobs").

    Raises:
        IntegrityError: `digest.bad`; what comes out never leaves the layout.
    """
    algorithm, _, encoded = validate(text).partition(":")
    return PurePosixPath("blobs", algorithm, encoded)


class Hasher:
    """A digest that is computed while bytes pass by."""

    __slots__ = ("_algorithm", "_hash", "size")

    def __init__(self, algorithm: str = "sha256") -> None:
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self.size = 0

    @classmethod
    def like(cls, text: str) -> Hasher:
        """A hasher whose result can be compared with this digest.

        Raises:
            IntegrityError: `digest.bad`.
        """
        return cls(validate(text).partition(":")[0])

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in more bytes."""
        self._hash.update(data)
        self.size += len(data)

    @property
    def digest(self) -> str:
        """The digest of the bytes so far."""
        return f"{self._algorithm}:{self._hash.hexdigest()}"
