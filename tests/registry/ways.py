"""What registries do differently, and may: each a switch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Location(Enum):
    """How an upload's Location is written (RFC 9110, 10.2.2)."""

    ABSOLUTE = auto()
    ROOTED = auto()
    """`/v2/...`"""
    RELATIVE = auto()
    """Relative to the address of the request."""


class State(Enum):
    """What an upload's Location has in its query."""

    NONE = auto()
    NEWEST = auto()
    """A counter: data goes to the newest Location only; where an upload stands can be asked at any."""
    OFFSET = auto()
    """The bytes that are there: with another number nothing is known, not even where it stands after a broken chunk."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The default is distribution-spec 1.1 in full."""

    referrers: bool = True
    """The referrers API, with the OCI-Subject header on what is pushed."""
    filters: bool = True
    """Referrers are filtered by artifactType, and OCI-Filters-Applied says so."""
    single_post: bool = True
    """POST with `digest` and a body is a whole upload; else it is answered 202 and the body is thrown away."""
    ordered: bool = True
    """A chunk that does not follow the last one is refused with 416; else it is appended."""
    pages: bool = True
    """Tags come in pages of `n`; else all at once."""
    page: int = 0
    """At most so many tags or referrers on a page, whatever is asked for; 0 is no limit."""
    untag: bool = True
    """A tag can be deleted."""
    deletes: bool = True
    """Anything can be deleted."""
    mounts: bool = True
    """A blob can be mounted from another repository."""
    anonymous_mounts: bool = True
    """... and from one that is not named."""
    ranges: bool = True
    """Blobs can be read in part."""
    negotiates: bool = True
    """A manifest of a type that the request does not accept is not found."""
    head_digests: bool = True
    """HEAD and GET answer with Docker-Content-Digest."""
    tag_parameters: bool = False
    """A manifest pushed by digest takes tags from `tag` in the query, and OCI-Tag names them: newer than 1.1."""
    missing_status: int = 404
    """The status of a manifest that needs what is not there."""
    bad_chunk_status: int = 416
    """The status of a Content-Range that is none."""
    min_chunk: int = 0
    """OCI-Chunk-Min-Length: only the last chunk may be smaller. 0 says nothing."""
    max_manifest: int = 4 << 20
    """Bytes; more is answered 413."""
    location: Location = Location.ROOTED
    state: State = State.NONE
    exact_accept: bool = False
    """A manifest is found only where its type is named in Accept, not by `*/*` or without one."""
    sha256_only: bool = False
    """Blobs pushed by sha512 are answered for by their sha256; manifests cannot be."""
    large_status: int = 413
    """The status of a manifest over the limit."""
    short_416: bool = False
    """The body of a 416 is shorter than its Content-Length."""
    bad_name_status: int = 400


OLD = Ways(
    referrers=False, filters=False, single_post=False, ordered=False, pages=False, untag=False,
    anonymous_mounts=False, missing_status=400, location=Location.ABSOLUTE, state=State.OFFSET, exact_accept=True,
    sha256_only=True, large_status=400, short_416=True, bad_name_status=404,
)  # fmt: skip
"""As docker-registry 2.8.2 of Debian 12 does, measured in tests/tools/registry."""
