"""One repository of one registry: its addresses, its whole answers, and how long to go on when nothing comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urljoin

from bootworthy.errors import IntegrityError, NetworkError
from bootworthy.oci import digest as digests
from bootworthy.oci.digest import Hasher
from bootworthy.oci.fields import LIMIT
from bootworthy.oci.registry.wire import NO_HEADERS, OK, Reply, Wire
from bootworthy.oci.registry.words import words_of

BROKEN = "registry.broken"
_TRIES = 4


class Advance(Protocol):
    """Told how many more bytes went by."""

    def __call__(self, amount: int, /) -> None:
        """So many more."""


def nobody(amount: int, /) -> None:
    """Nobody is looking."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that was read to its end."""

    status: int
    headers: Mapping[str, str]
    url: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Remote:
    """One repository, and the wire to its registry."""

    wire: Wire
    name: str
    """Without the registry."""

    def target(self, kind: str, reference: str) -> str:
        """The path of something: `target("blobs", digest)`."""
        return f"/v2/{quote(self.name)}/{kind}/{quote(reference, safe=':/')}"

    def where(self, reference: str = "") -> str:
        """What a person calls something here, by tag or by digest."""
        name = f"{self.wire.registry}/{self.name}"
        return f"{name}{'@' if digests.is_valid(reference) else ':'}{reference}" if reference else name

    @property
    def pull(self) -> tuple[str, ...]:
        """The scopes for reading."""
        return (f"repository:{self.name}:pull",)

    @property
    def push(self) -> tuple[str, ...]:
        """The scopes for reading and writing."""
        return (f"repository:{self.name}:pull,push",)

    @property
    def remove(self) -> tuple[str, ...]:
        """The scopes for reading, and for taking away."""
        return (f"repository:{self.name}:delete,pull",)

    def get(
        self, target: str, *, scopes: Sequence[str] = (), headers: Mapping[str, str] = NO_HEADERS,
        accept: Container[int] = OK, limit: int = LIMIT,
    ) -> Answer:  # fmt: skip
        """A small answer, whole; asked for again when it breaks off.

        Raises:
            IntegrityError: `registry.too-large`.
            BootworthyError: as `Wire.request`.
        """
        tries = _TRIES
        while True:
            with self.wire.request("GET", target, scopes=scopes or self.pull, headers=headers, accept=accept) as reply:
                try:
                    return Answer(reply.status, reply.headers, reply.url, reply.read(limit))
                except NetworkError as error:
                    tries -= 1
                    if error.code != BROKEN or not tries:
                        raise

    def compare(self, headers: Mapping[str, str], digest: str) -> None:
        """Hold what a registry says it has against a digest; one by another algorithm says nothing.

        Raises:
            IntegrityError: `registry.wrong-digest`.
        """
        other = headers.get("docker-content-digest")
        if other and other != digest and other.partition(":")[0] == digest.partition(":")[0]:
            raise wrong_digest(self.where(digest), f"the registry says that it has {other[:160]!r}")


def location(reply: Reply | Answer, where: str) -> str:
    """The address that an answer leads to, whole; its query is kept as it is.

    Raises:
        NetworkError: `registry.bad-answer`, when there is none.
    """
    found = reply.headers.get("location")
    if not found:
        raise bad_answer(where, "an upload was begun, and the answer does not say where")
    return urljoin(reply.url, found)


def number(headers: Mapping[str, str], name: str) -> int | None:
    """A header that is a whole number; None when it is missing or anything else."""
    text = headers.get(name, "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None


def hashed(raw: bytes, like: str) -> str:
    """The digest of some bytes by the algorithm of another digest."""
    hasher = Hasher.like(like)
    hasher.update(raw)
    return hasher.digest


def wrong_digest(where: str, message: str) -> IntegrityError:
    """Bytes that are not what their digest says."""
    return IntegrityError(
        "registry.wrong-digest", message, where=where,
        hint="nothing of it was kept; the registry, or a proxy before it, holds or sends wrong bytes",
    )  # fmt: skip


def bad_answer(where: str, message: str) -> NetworkError:
    """A registry that does not speak as one."""
    return NetworkError(
        "registry.bad-answer", message, where=where, hint="is there an OCI registry at this address, or a proxy?"
    )


def words(reply: Reply) -> str:
    """What a registry says of a refusal."""
    return words_of(reply) or f"it answered {reply.status}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something that breaks off is taken up again."""

    tries: int = 5
    """Times in a row without `enough` that was new."""
    enough: int = 64 * 1024
    """Bytes that count as getting on."""
    pause: float = 0.5
    """Seconds before the second try; doubled each time."""
    sleep: Callable[[float], None] = time.sleep


class Effort:
    """One transfer that may break off: it goes on as long as it gets on."""

    __slots__ = ("_failures", "_patience", "_reached")

    def __init__(self, patience: Patience, reached: int = 0) -> None:
        self._patience = patience
        self._failures = 0
        self._reached = reached

    def failed(self, position: int, error: Exception) -> None:
        """It broke off at this byte: wait when it must, or give up with that error.

        Raises:
            Exception: `error`.
        """
        if position - self._reached >= self._patience.enough:
            self._reached = position
            self._failures = 0
            return
        self._failures += 1
        if self._failures >= self._patience.tries:
            raise error
        self._patience.sleep(self._patience.pause * 2.0 ** (self._failures - 1))
