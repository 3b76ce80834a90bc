"""What the rest of the room sees of HTTP: one registry that takes requests, and its replies.

`open.py` makes a `Wire`. Everything that a connection needs is behind it: addresses, TLS, proxies, credentials,
redirects, time limits, and trying again.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import BinaryIO, Protocol, Self

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
OK: Container[int] = range(200, 300)


class Body(Protocol):
    """Bytes to send that can be sent again from their start."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    def open(self) -> BinaryIO:
        """A fresh stream of exactly `size` bytes; whoever opened it closes it."""


class Reply(Protocol):
    """A registry's answer; leaving the `with` block gives its connection back, or closes it when bytes are left."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers; keys are lower-case."""

    @property
    def url(self) -> str:
        """Where the answer came from, after redirects."""

    def stream(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The body in pieces of at most `size` bytes, as it was sent: never content-decoded.

        Raises:
            NetworkError: `registry.broken`, when it ends early, stalls or drips; what came before stands.
        """

    def read(self, limit: int) -> bytes:
        """The whole body.

        Raises:
            IntegrityError: `registry.too-large`, when it has more than `limit` bytes.
            NetworkError: `registry.broken`.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Wire(Protocol):
    """One registry, authorised. Threads may share it."""

    @property
    def registry(self) -> str:
        """Its name as it stands in references: `docker.io`, `registry.example:5000`."""

    def request(
        self, method: str, target: str, *, scopes: Sequence[str] = (), headers: Mapping[str, str] = NO_HEADERS,
        body: Body | bytes | None = None, accept: Container[int] = OK, idempotent: bool = True,
    ) -> Reply:  # fmt: skip
        """Ask, and return the answer once its headers are there.

        `target` is a path with query (`/v2/NAME/blobs/...`) or a whole address, as a `Location` gives it; one on
        another host gets no credentials of ours. `scopes` are what a token must allow: `repository:NAME:pull,push`.
        A redirect is followed for GET and HEAD (307 and 308 for every method), unless its status is in `accept`. 429
        and 503 are waited for and tried again, and so is a connection that does not come about; a connection that
        breaks, 408 and other 5xx only when the request is `idempotent`. A reply that is returned must be closed.

        Raises:
            CredentialsError: `registry.denied`, for 401 and 403, after one fresh token; `credentials.*`.
            NotFoundError: `registry.not-found`, for 404.
            NetworkError: `registry.unavailable` (429 and 5xx, after bounded waiting), `registry.unreachable` (no
                connection, or none that held), `registry.redirect` (too many, or to plain http),
                `registry.refused` (every other status, with the registry's own words).
        """
