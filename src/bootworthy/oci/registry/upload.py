"""One blob into a repository: not at all when it is there, mounted from a neighbour, in one piece, or in chunks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from bootworthy.errors import BootworthyError, CredentialsError, IntegrityError, NetworkError, NotFoundError
from bootworthy.oci.documents import Descriptor
from bootworthy.oci.registry.parts import Feed, Part, Watch
from bootworthy.oci.registry.remote import (
    Advance,
    Effort,
    Patience,
    Remote,
    bad_answer,
    location,
    number,
    words,
    wrong_digest,
)
from bootworthy.oci.registry.wire import Body, Reply

_SMALL = 8 * 2**20
"""Bytes up to which a blob goes in one piece."""
_TINY = 16 * 1024
"""Bytes up to which it goes with the request that would begin an upload."""
_CHUNK = 64 * 2**20
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,19})", re.ASCII)
_BYTES = {"Content-Type": "application/octet-stream"}
_LOST = frozenset({"registry.broken", "registry.unreachable", "registry.unavailable"})
_NO_CHUNKS = frozenset({400, 405, 411, 413, 415, 501})
_SOURCES = 8


@dataclass(slots=True)
class Habits:
    """What was learnt of a registry on the way; threads may share it."""

    chunks: bool = True
    single: bool = True
    """A blob can go with the request that begins its upload."""


@dataclass(frozen=True, slots=True)
class _Session:
    """An upload that was begun."""

    url: str
    least: int
    """Bytes that a chunk must have at least, when it is not the last."""


class _AgainError(Exception):
    """The upload has to begin again; `reason` is what to say when it may not."""

    def __init__(self, reason: BootworthyError) -> None:
        super().__init__(reason)
        self.reason = reason


def has(remote: Remote, descriptor: Descriptor, scopes: Sequence[str]) -> bool:
    """Whether the registry says that it has a blob of this digest and size."""
    with remote.wire.request(
        "HEAD", remote.target("blobs", descriptor.digest), scopes=scopes, accept={200, 404, 405}
    ) as reply:
        size = number(reply.headers, "content-length")
        # Some proxies answer HEAD with a length of 0.
        return reply.status == 200 and (not size or size == descriptor.size)


def put_blob(
    remote: Remote, descriptor: Descriptor, body: Body, *, mount_from: Sequence[str], advance: Advance, habits: Habits,
    patience: Patience,
) -> bool:  # fmt: skip
    """Put one blob; `Repository.put_blob` says how."""
    where = remote.where(descriptor.digest)
    if body.size != descriptor.size:
        raise IntegrityError("registry.wrong-size", f"{body.size} bytes instead of {descriptor.size}", where=where)
    with contextlib.closing(_Upload(remote, descriptor, body, advance, habits, patience)) as sending:
        return sending.run(mount_from)


class _Upload:
    """One blob on its way."""

    def __init__(
        self, remote: Remote, descriptor: Descriptor, body: Body, advance: Advance, habits: Habits, patience: Patience
    ) -> None:
        self._remote = remote
        self._wanted = descriptor
        self._feed = Feed(body)
        self._habits = habits
        self._watch = Watch(advance)
        self._where = remote.where(descriptor.digest)
        self._uploads = remote.target("blobs", "uploads/")
        self._effort = Effort(patience)
        self._refused_before = False
        self._in_one_piece = False
        self._open: _Session | None = None

    def close(self) -> None:
        """Let go of the body."""
        self._feed.close()

    def run(self, mount_from: Sequence[str]) -> bool:
        """Whether it was sent."""
        if has(self._remote, self._wanted, self._remote.push):
            return False
        session: _Session | None = None
        if mount_from:
            session = self._mount(mount_from)
            if session is None:
                return False
        while not self._sent(session):
            session = None
            if has(self._remote, self._wanted, self._remote.push):  # only the answer was lost
                return True
            self._cancel()
        return True

    def _sent(self, session: _Session | None) -> bool:
        """One whole try; False when another is worth it."""
        try:
            session = session or self._begin()
            if session is not None:
                self._send(session)
        except _AgainError as again:
            self._effort.failed(0, again.reason)
            return False
        return True

    def _mount(self, sources: Sequence[str]) -> _Session | None:
        """Try neighbours; None when one had it, else an upload that was begun."""
        session: _Session | None = None
        for source in list(dict.fromkeys(sources))[:_SOURCES]:
            query = f"?mount={quote(self._wanted.digest)}" + (f"&from={quote(source, safe='')}" if source else "")
            scopes = (*self._remote.push, *((f"repository:{source}:pull",) if source else ()))
            try:
                with self._remote.wire.request(
                    "POST", self._uploads + query, scopes=scopes, accept={201, 202}
                ) as reply:
                    self._remote.compare(reply.headers, self._wanted.digest)
                    self._cancel()
                    if reply.status == 201:
                        return None
                    session = self._session(reply)
            except (CredentialsError, NotFoundError):
                continue
            except NetworkError as error:
                if error.code != "registry.refused":
                    raise
        return session or self._begin()

    def _begin(self) -> _Session | None:
        """Begin an upload; None when that was all there was to it."""
        if self._habits.single and self._wanted.size <= _TINY:
            query = f"?digest={quote(self._wanted.digest)}"
            try:
                with self._remote.wire.request(
                    "POST", self._uploads + query, scopes=self._remote.push, headers=_BYTES, accept={201, 202},
                    body=Part(self._feed, 0, self._wanted.size, self._watch),
                ) as reply:  # fmt: skip
                    if reply.status == 201:
                        self._remote.compare(reply.headers, self._wanted.digest)
                        return None
                    self._habits.single = False
                    return self._session(reply)
            except NetworkError as error:
                if error.code != "registry.refused":
                    raise
                self._habits.single = False
        with self._remote.wire.request("POST", self._uploads, scopes=self._remote.push, accept={202}) as reply:
            return self._session(reply)

    def _session(self, reply: Reply) -> _Session:
        self._open = _Session(location(reply, self._where), number(reply.headers, "oci-chunk-min-length") or 0)
        return self._open

    def _send(self, session: _Session) -> None:
        try:
            if self._wanted.size <= _SMALL or self._in_one_piece or not self._habits.chunks:
                self._whole(session)
            else:
                self._chunks(session, 0)
        except BootworthyError as error:
            if error.code not in _LOST:
                self._cancel()
            raise

    def _whole(self, session: _Session) -> None:
        """The blob in one piece."""
        try:
            self._finish(session, 0)
        except NetworkError as error:
            if error.code not in _LOST:
                raise
            raise _AgainError(error) from error

    def _chunks(self, session: _Session, offset: int) -> None:
        """The blob piece by piece, from `offset` on, and the request that closes it."""
        size = self._wanted.size
        while True:
            try:
                if offset == size:
                    self._finish(session, size)
                    return
                session, offset = self._chunk(session, offset)
            except NetworkError as error:
                if error.code not in _LOST:
                    raise
                session, offset = self._asked(session, error)
                self._effort.failed(offset, error)

    def _chunk(self, session: _Session, offset: int) -> tuple[_Session, int]:
        """One chunk; where that leaves the upload."""
        end = min(offset + max(_CHUNK, session.least), self._wanted.size)
        with self._remote.wire.request(
            "PATCH", session.url, scopes=self._remote.push, headers=_BYTES | {"Content-Range": f"{offset}-{end - 1}"},
            body=Part(self._feed, offset, end - offset, self._watch), idempotent=False,
            accept=frozenset({200, 201, 202, 204, 404, 416}) | _NO_CHUNKS,
        ) as reply:  # fmt: skip
            if reply.status < 300:
                session = self._moved(session, reply)
                taken = _taken(reply)
                if taken is None or taken == end:
                    return session, end
            elif offset == 0:
                self._in_one_piece = True
                self._habits.chunks &= reply.status not in _NO_CHUNKS
            if reply.status in _NO_CHUNKS or reply.status == 404:
                raise _AgainError(self._lost(f"the registry does not take the chunk (it answered {reply.status})"))
        return self._strayed(session, offset)

    def _strayed(self, session: _Session, offset: int) -> tuple[_Session, int]:
        """The registry did not take the whole chunk: ask it where it is."""
        problem = self._lost(f"the registry does not go on at byte {offset} of {self._wanted.size}")
        session, offset = self._asked(session, problem)
        self._effort.failed(offset, problem)
        return session, offset

    def _asked(self, session: _Session, reason: BootworthyError) -> tuple[_Session, int]:
        """Where the registry says that the upload stands.

        Raises:
            _AgainError: it does not know, or what it says cannot be.
        """
        with self._remote.wire.request(
            "GET", session.url, scopes=self._remote.push, accept={200, 202, 204, 400, 404, 405, 410, 416}
        ) as reply:
            taken = _taken(reply) if reply.status in {200, 202, 204} else None
            # `0-0` is one byte or, with older registries, none.
            if taken is None or not 1 < taken <= self._wanted.size:
                raise _AgainError(reason)
            return self._moved(session, reply), taken

    def _finish(self, session: _Session, offset: int) -> None:
        """The request that closes the upload, with what is not there yet."""
        mark = "&" if "?" in session.url else "?"
        with self._remote.wire.request(
            "PUT", f"{session.url}{mark}digest={quote(self._wanted.digest)}", scopes=self._remote.push, headers=_BYTES,
            body=Part(self._feed, offset, self._wanted.size - offset, self._watch), idempotent=False,
            accept={200, 201, 202, 204, 400, 404, 416},
        ) as reply:  # fmt: skip
            if reply.status in {404, 416}:
                raise _AgainError(self._lost("the registry forgot the upload"))
            if reply.status == 400:
                self._refused(reply)
            self._remote.compare(reply.headers, self._wanted.digest)
        if reply.status != 201 and not has(self._remote, self._wanted, self._remote.push):
            raise bad_answer(self._where, f"it answered {reply.status} to the end of the upload, and has no such blob")

    def _refused(self, reply: Reply) -> None:
        """What the registry got is not the blob; once, it may be a seam where an upload was taken up."""
        said = words(reply)
        problem = self._lost(f"the registry refused the end of the upload: {said}")
        if not self._refused_before:
            self._refused_before = True
            raise _AgainError(problem)
        if "DIGEST_INVALID" in said:
            raise wrong_digest(self._where, f"the registry got other bytes than that, twice: {said}")
        raise problem

    def _moved(self, session: _Session, reply: Reply) -> _Session:
        """The newest address of the upload."""
        least = number(reply.headers, "oci-chunk-min-length") or session.least
        url = location(reply, self._where) if "location" in reply.headers else session.url
        self._open = _Session(url, least)
        return self._open

    def _cancel(self) -> None:
        """Tell the registry that no more comes; an upload that it does not hear of again it forgets by itself."""
        session, self._open = self._open, None
        if session is None:
            return
        with (
            contextlib.suppress(BootworthyError),
            self._remote.wire.request(
                "DELETE", session.url, scopes=self._remote.push, accept=range(200, 600), idempotent=False
            ),
        ):
            pass

    def _lost(self, message: str) -> NetworkError:
        return NetworkError(
            "registry.refused", message, where=self._where, hint="run it again: what is there already is not sent again"
        )


def _taken(reply: Reply) -> int | None:
    """How many bytes an upload has, as a registry says."""
    match = _RANGE.fullmatch(reply.headers.get("range", "").strip())
    return int(match[1]) + 1 if match else None
