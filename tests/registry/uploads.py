"""Uploads that are under way: bytes appended as they come, so that what was sent before a broken connection is kept."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.registry.messages import Answer, Request, problem
from tests.registry.storage import DIGEST, Storage, digest_of
from tests.registry.ways import Location, State, Ways

REFUSED = "refused"
"""A Content-Range that a fault puts in: 416, whatever the registry's ways."""
_SPAN = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/(?:\d+|\*))?")


class Upload:
    """One upload; its requests come one after the other."""

    def __init__(self, name: str, session: str, file: Path | None) -> None:
        self.name = name
        self.session = session
        self.size = 0
        self.state = 0
        self.short = False
        """A chunk under the smallest size came: it has to be the last."""
        self.lock = threading.Lock()
        self._file = file
        self._memory = bytearray()
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"")

    def append(self, pieces: Iterable[bytes]) -> None:
        """Take in pieces, each kept at once."""
        if self._file is None:
            for piece in pieces:
                self._memory += piece
                self.size += len(piece)
            return
        with self._file.open("ab", buffering=0) as file:
            for piece in pieces:
                file.write(piece)
                self.size += len(piece)

    def content(self) -> bytes | Path:
        """All that came."""
        return bytes(self._memory) if self._file is None else self._file

    def drop(self) -> None:
        """Forget what came."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


class Uploads:
    """The uploads of a registry."""

    def __init__(self, storage: Storage, ways: Ways, may_pull: Callable[[Request, str], bool]) -> None:
        self._storage = storage
        self._ways = ways
        self._may_pull = may_pull
        self._numbers = itertools.count(1)
        self.open: dict[str, Upload] = {}

    def begin(self, request: Request, name: str) -> Answer:
        """POST: mount, a whole upload, or the beginning of one."""
        digest, ways = request.first("mount"), self._ways
        if digest and self._mounted(request, name, digest):
            return created(name, digest)
        upload = self._new(name)
        if (digest := request.first("digest")) and ways.single_post:
            return self._finish(request, upload, digest)
        extra = (("OCI-Chunk-Min-Length", str(ways.min_chunk)),) if ways.min_chunk else ()
        return self._progress(request, upload, 202, extra)

    def go_on(self, request: Request, name: str, session: str) -> Answer:
        """GET, PATCH, PUT and DELETE of an upload."""
        upload = self.open.get(session)
        if upload is None or upload.name != name:
            known = self._ways.state is not State.OFFSET or request.first("state") is not None
            return problem(404, "BLOB_UPLOAD_UNKNOWN" if known else "BLOB_UPLOAD_INVALID")
        if self._stale(request, upload):
            return problem(404, "BLOB_UPLOAD_INVALID", "this is not the newest Location")
        with upload.lock:
            if request.method in {"GET", "HEAD"}:
                return self._progress(request, upload, 204)
            if request.method == "PATCH":
                return self._chunk(request, upload)
            if request.method == "PUT":
                return self._last(request, upload)
        self._forget(upload)
        return Answer(204)

    def _mounted(self, request: Request, name: str, digest: str) -> bool:
        source = request.first("from")
        if not self._ways.mounts or not (source or self._ways.anonymous_mounts):
            return False
        return self._may_pull(request, source or "") and self._storage.mount(name, digest, source)

    def _stale(self, request: Request, upload: Upload) -> bool:
        state = request.first("state")
        if self._ways.state is State.OFFSET:
            return state != str(upload.size)
        newest = self._ways.state is State.NONE or state == str(upload.state)
        return not newest and request.method in {"PATCH", "PUT"}

    def _new(self, name: str) -> Upload:
        session = f"upload-{next(self._numbers)}"
        folder = self._storage.folder
        upload = Upload(name, session, folder / "uploads" / session if folder else None)
        self.open[session] = upload
        return upload

    def _forget(self, upload: Upload, *, keep: bool = False) -> None:
        self.open.pop(upload.session, None)
        if not keep:
            upload.drop()

    def _chunk(self, request: Request, upload: Upload) -> Answer:
        if refused := self._refused(request, upload):
            return refused
        before = upload.size
        upload.append(request.body)
        upload.short = upload.size - before < self._ways.min_chunk
        return self._progress(request, upload, 202)

    def _last(self, request: Request, upload: Upload) -> Answer:
        digest = request.first("digest")
        if digest is None or not DIGEST.fullmatch(digest):
            return problem(400, "DIGEST_INVALID", "the digest parameter is missing or no digest")
        if refused := self._refused(request, upload):
            return refused
        return self._finish(request, upload, digest)

    def _refused(self, request: Request, upload: Upload) -> Answer | None:
        """The order and the size of a chunk; without Content-Range, whatever comes is appended."""
        if upload.short and (request.method == "PATCH" or request.headers.get("content-length") != "0"):
            return self._progress(request, upload, 416)
        span = request.headers.get("content-range")
        if span == REFUSED:
            return self._progress(request, upload, 416)
        if span is None or not self._ways.ordered:
            return None
        found = _SPAN.fullmatch(span)
        if found is None:
            return self._progress(request, upload, self._ways.bad_chunk_status)
        first, last = int(found[1]), int(found[2])
        length = request.headers.get("content-length")
        if first != upload.size or (length is not None and last - first + 1 != int(length)):
            return self._progress(request, upload, 416)
        return None

    def _finish(self, request: Request, upload: Upload, digest: str) -> Answer:
        if not DIGEST.fullmatch(digest):
            self._forget(upload)
            return problem(400, "DIGEST_INVALID")
        upload.append(request.body)
        content = upload.content()
        found = digest_of(content, digest.partition(":")[0])
        if found != digest:
            self._forget(upload)
            return problem(400, "DIGEST_INVALID", detail={"digest": found})
        self._forget(upload, keep=True)
        if self._ways.sha256_only:
            digest = self._storage.put_blob_by_two(upload.name, content, digest)
        else:
            self._storage.put_blob(upload.name, content, digest)
        return created(upload.name, digest)

    def _progress(
        self, request: Request, upload: Upload, status: int, extra: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        upload.state += 1
        reached = ("Range", f"0-{max(0, upload.size - 1)}")
        where = ("Location", self._location(request, upload))
        return Answer(status, (where, reached, ("Docker-Upload-UUID", upload.session), *extra))

    def _location(self, request: Request, upload: Upload) -> str:
        place = f"/v2/{upload.name}/blobs/uploads/{upload.session}"
        if self._ways.state is not State.NONE:
            place += f"?state={upload.state if self._ways.state is State.NEWEST else upload.size}"
        if self._ways.location is Location.ABSOLUTE:
            return request.base + place
        if self._ways.location is Location.ROOTED:
            return place
        return place.rpartition("/")[2]  # leads from the folder of the address that was asked, which is `uploads/`


def created(name: str, digest: str) -> Answer:
    """A blob that is there now."""
    return Answer(201, (("Location", f"/v2/{name}/blobs/{digest}"), ("Docker-Content-Digest", digest)))
