"""The endpoints of distribution-spec 1.1, but for uploads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from tests.registry.messages import Answer, Ending, Manner, Request, as_json, problem, with_headers
from tests.registry.storage import DIGEST, INDEXES, NAME, TAG, Manifest, Storage, digest_of
from tests.registry.uploads import Uploads
from tests.registry.ways import Ways

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Routes:
    """From a request to its answer; nothing here knows of faults or of who asks."""

    def __init__(self, storage: Storage, ways: Ways, may_pull: Callable[[Request, str], bool]) -> None:
        self.storage = storage
        self.ways = ways
        self.uploads = Uploads(storage, ways, may_pull)

    def answer(self, request: Request) -> Answer:
        """The answer to a request that was let in."""
        path = request.path
        if path in {"/v2/", "/v2"}:
            return self._base(request)
        endings: tuple[tuple[str, Callable[..., Answer]], ...] = (
            (r"blobs/uploads/(?P<session>[^/]*)", self._upload),
            (r"blobs/(?P<digest>[^/]+)", self._blob),
            (r"manifests/(?P<reference>[^/]+)", self._manifest),
            (r"tags/list", self._tags),
            (r"referrers/(?P<digest>[^/]+)", self._referrers),
        )
        for ending, endpoint in endings:
            if found := re.fullmatch(rf"/v2/(?P<name>.+)/{ending}", path):
                if not NAME.fullmatch(found["name"]):
                    status = self.ways.bad_name_status
                    return problem(status, "NAME_INVALID") if status == 400 else Answer(status)
                return endpoint(request, **found.groupdict())
        return Answer(404)

    @staticmethod
    def _base(request: Request) -> Answer:
        if request.method not in {"GET", "HEAD"}:
            return problem(405, "UNSUPPORTED")
        return as_json({}, docker_distribution_api_version="registry/2.0")

    def _upload(self, request: Request, name: str, session: str) -> Answer:
        if not session:
            return self.uploads.begin(request, name) if request.method == "POST" else problem(405, "UNSUPPORTED")
        if request.method not in {"GET", "HEAD", "PATCH", "PUT", "DELETE"}:
            return problem(405, "UNSUPPORTED")
        return self.uploads.go_on(request, name, session)

    def _blob(self, request: Request, name: str, digest: str) -> Answer:
        if not DIGEST.fullmatch(digest):
            return problem(400, "DIGEST_INVALID")
        digest = self.storage.aliases.get(digest, digest)
        content = self.storage.blob(name, digest)
        if request.method == "DELETE" and not self.ways.deletes:
            return problem(405, "UNSUPPORTED")
        if content is None:
            return problem(404, "BLOB_UNKNOWN", detail={"digest": digest})
        if request.method == "DELETE":
            self.storage.repository(name).blobs.discard(digest)
            return Answer(202)
        if request.method not in {"GET", "HEAD"}:
            return problem(405, "UNSUPPORTED")
        return self._window(request, content, digest)

    def _window(self, request: Request, content: bytes | Path, digest: str) -> Answer:
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        headers = [("Content-Type", "application/octet-stream"), ("Etag", f'"{digest}"')]
        if self.ways.head_digests:
            headers.append(("Docker-Content-Digest", digest))
        if self.ways.ranges:
            headers.append(("Accept-Ranges", "bytes"))
        found = _RANGE.fullmatch(request.headers.get("range", "")) if self.ways.ranges else None
        start, stop, status = 0, size, 200
        if found and (found[1] or found[2]) and request.method == "GET":
            start = int(found[1]) if found[1] else max(0, size - int(found[2]))
            stop = min(size, int(found[2]) + 1) if found[1] and found[2] else size
            if start >= size or stop <= start:
                reached = (("Content-Range", f"bytes */{size}"),) if start >= size else ()
                if not self.ways.short_416:
                    return Answer(416, reached)
                text = b"invalid range\n"
                return Answer(416, reached, text, manner=Manner(length_off=size - len(text), ending=Ending.CLOSE))
            status = 206
            headers.append(("Content-Range", f"bytes {start}-{stop - 1}/{size}"))
        if isinstance(content, Path):
            return Answer(status, tuple(headers), content, start, stop)
        return Answer(status, tuple(headers), content[start:stop])

    def _manifest(self, request: Request, name: str, reference: str) -> Answer:
        if not TAG.fullmatch(reference) and not DIGEST.fullmatch(reference):
            return problem(400, "DIGEST_INVALID" if ":" in reference else "TAG_INVALID")
        if request.method == "PUT":
            return self._put_manifest(request, name, reference)
        if request.method == "DELETE":
            return self._delete_manifest(name, reference)
        return self._get_manifest(request, name, reference)

    def _get_manifest(self, request: Request, name: str, reference: str) -> Answer:
        if request.method not in {"GET", "HEAD"}:
            return problem(405, "UNSUPPORTED")
        found = self.storage.manifest(name, reference)
        if found is None:
            return problem(404, "MANIFEST_UNKNOWN", detail={"reference": reference})
        digest, manifest = found
        if self.ways.negotiates and not self._accepts(request.headers.get("accept"), manifest.media_type):
            return problem(404, "MANIFEST_UNKNOWN", f"{manifest.media_type} is not among what the request accepts")
        headers: tuple[tuple[str, str], ...] = (("Content-Type", manifest.media_type), ("Etag", f'"{digest}"'))
        if self.ways.head_digests:
            headers += (("Docker-Content-Digest", digest),)
        return Answer(200, headers, manifest.raw)

    def _accepts(self, header: str | None, media_type: str) -> bool:
        """Whether an Accept header (RFC 9110, 12.5.1) takes a type; without one, all are taken."""
        named = {each.partition(";")[0].strip() for each in (header or "").split(",")}
        if self.ways.exact_accept:
            return media_type in named
        return header is None or bool(named & {media_type, "*/*", "application/*"})

    def _put_manifest(self, request: Request, name: str, reference: str) -> Answer:
        raw = request.body.read()
        if len(raw) > self.ways.max_manifest:
            code = "SIZE_INVALID" if self.ways.large_status == 413 else "MANIFEST_INVALID"
            return problem(self.ways.large_status, code, "the manifest is too large")
        manifest = Manifest(request.headers.get("content-type", "").partition(";")[0].strip(), raw)
        said = manifest.fields.get("mediaType")
        if not manifest.fields or not manifest.media_type or said not in {None, manifest.media_type}:
            return problem(400, "MANIFEST_INVALID")
        is_digest = ":" in reference
        digest = digest_of(raw, reference.partition(":")[0] if is_digest else "sha256")
        if is_digest and (digest != reference or (self.ways.sha256_only and not digest.startswith("sha256:"))):
            return problem(400, "DIGEST_INVALID")
        if missing := self.storage.missing(name, manifest):
            return problem(self.ways.missing_status, "MANIFEST_BLOB_UNKNOWN", detail={"digest": missing[0]})
        tags: tuple[str, ...] = () if is_digest else (reference,)
        if is_digest and self.ways.tag_parameters:
            tags = tuple(request.query.get("tag", ()))
        self.storage.put_manifest(name, raw, manifest.media_type, *tags, digest=digest)
        headers = [("Location", f"/v2/{name}/manifests/{digest}"), ("Docker-Content-Digest", digest)]
        if manifest.subject and self.ways.referrers:
            headers.append(("OCI-Subject", manifest.subject))
        if is_digest:
            headers += [("OCI-Tag", tag) for tag in tags]
        return Answer(201, tuple(headers))

    def _delete_manifest(self, name: str, reference: str) -> Answer:
        if not self.ways.deletes:
            return problem(405, "UNSUPPORTED")
        if ":" in reference:
            gone = self.storage.drop_manifest(name, reference)
            return Answer(202) if gone else problem(404, "MANIFEST_UNKNOWN")
        if not self.ways.untag:
            return problem(400, "DIGEST_INVALID", "a manifest is deleted by its digest")
        with self.storage.lock:
            repository = self.storage.known(name)
            gone = repository is not None and repository.tags.pop(reference, None) is not None
        return Answer(202) if gone else problem(404, "MANIFEST_UNKNOWN")

    def _tags(self, request: Request, name: str) -> Answer:
        if request.method not in {"GET", "HEAD"}:
            return problem(405, "UNSUPPORTED")
        with self.storage.lock:
            repository = self.storage.known(name)
            tags = sorted(repository.tags) if repository else None
        if tags is None:
            return problem(404, "NAME_UNKNOWN", detail={"name": name})
        if not self.ways.pages:
            return as_json({"name": name, "tags": tags})
        wanted = request.first("n")
        if wanted is not None and not wanted.isdigit():
            return problem(400, "PAGINATION_NUMBER_INVALID")
        last = request.first("last")
        after = [tag for tag in tags if last is None or tag > last]
        sizes = [int(wanted)] if wanted else []
        size = min([*sizes, *([self.ways.page] if self.ways.page else [])], default=len(after))
        answer = as_json({"name": name, "tags": after[:size]})
        if not 0 < size < len(after):
            return answer
        return _linked(answer, f"/v2/{name}/tags/list", n=size, last=after[size - 1])

    def _referrers(self, request: Request, name: str, digest: str) -> Answer:
        if not self.ways.referrers:
            return Answer(404)
        if not DIGEST.fullmatch(digest):
            return problem(400, "DIGEST_INVALID")
        if request.method not in {"GET", "HEAD"}:
            return problem(405, "UNSUPPORTED")
        with self.storage.lock:
            repository = self.storage.known(name)
            every = sorted(repository.manifests.items()) if repository else []
        found = [each.descriptor(own) for own, each in every if each.subject == digest]
        kind = request.first("artifactType") if self.ways.filters else None
        if kind is not None:
            found = [each for each in found if each.get("artifactType") == kind]
        at = int(request.first("at") or 0)
        size = self.ways.page or len(found)
        document = {"schemaVersion": 2, "mediaType": INDEXES[0], "manifests": found[at : at + size]}
        answer = as_json(document, media_type=INDEXES[0])
        if kind is not None:
            answer = replace(answer, headers=with_headers(answer, oci_filters_applied="artifactType"))
        if at + size >= len(found):
            return answer
        query = {"at": at + size, **({"artifactType": kind} if kind is not None else {})}
        return _linked(answer, f"/v2/{name}/referrers/{digest}", **query)


def _linked(answer: Answer, path: str, **query: object) -> Answer:
    link = f'<{path}?{urlencode(query)}>; rel="next"'
    return replace(answer, headers=with_headers(answer, link=link))
