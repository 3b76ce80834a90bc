"""Manifests and indexes: which one a tag means, reading them verified, walking them, putting them, taking them away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from bootworthy.errors import IntegrityError, RefusedError, UsageError
from bootworthy.oci import digest as digests
from bootworthy.oci.documents import (
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    INDEX,
    INDEXES,
    MANIFEST,
    MANIFESTS,
    Descriptor,
    Index,
    Manifest,
    parse_document,
)
from bootworthy.oci.fields import LIMIT, document_error, too_large
from bootworthy.oci.reference import is_tag
from bootworthy.oci.registry.remote import Answer, Remote, hashed, number, wrong_digest

_ACCEPT = {"Accept": ", ".join((MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX))}
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1"
_NO_HEAD = frozenset({405, 501})
_DEEPEST = 8
"""Indexes within indexes; people need two."""
_MOST = 20_000
"""Manifests below one index."""
_GONE = frozenset({200, 202, 204})
_UNSUPPORTED = frozenset({400, 405, 501})


def resolve(remote: Remote, reference: str) -> Descriptor:
    """What a tag or a digest means now; `Repository.resolve` says how."""
    return _asked(remote, reference) or read(remote, reference)[0]


def read(remote: Remote, wanted: Descriptor | str) -> tuple[Descriptor, bytes]:
    """One document, verified; `Repository.manifest` says how."""
    reference = wanted if isinstance(wanted, str) else wanted.digest
    where = remote.where(reference)
    if not isinstance(wanted, str) and wanted.size > LIMIT:
        raise too_large("manifest", where, wanted.size)
    answer = remote.get(_target(remote, reference), headers=_ACCEPT, accept={200})
    raw = answer.raw
    if isinstance(wanted, str):
        return _described(remote, wanted, answer), raw
    if len(raw) != wanted.size:
        message = f"the registry sends {len(raw)} bytes instead of {wanted.size}"
        raise IntegrityError("registry.wrong-size", message, where=where)
    _verify(where, raw, wanted.digest)
    return wanted, raw


def unread(remote: Remote, tag: str) -> tuple[str | None, bytes]:
    """The media type, where it is one we know, and the bytes of what a tag means; they are not looked into.

    Raises:
        IntegrityError: `registry.wrong-digest`.
    """
    answer = remote.get(_target(remote, tag), headers=_ACCEPT, accept={200})
    _digest(remote, tag, answer)
    return _media_type(remote, tag, answer.headers), answer.raw


def walk(
    load: Callable[[Descriptor], bytes], top: Descriptor, *, where: str
) -> Iterator[tuple[Descriptor, Manifest | Index]]:
    """A document and every one below it, each once, an index before what is in it.

    Raises:
        DocumentError: `oci.too-deep`, `oci.too-many`, and as `parse_document`.
    """
    seen: set[str] = set()
    waiting = [(top, 0)]
    while waiting:
        found, depth = waiting.pop()
        if found.digest in seen or found.media_type not in INDEXES | MANIFESTS:
            continue
        if depth > _DEEPEST:
            message = f"indexes within indexes, more than {_DEEPEST} deep"
            raise document_error("oci.too-deep", "index", f"{where}, {found.digest}", message)
        seen.add(found.digest)
        if len(seen) > _MOST:
            raise document_error("oci.too-many", "index", where, f"more than {_MOST} manifests are in it")
        document = parse_document(load(found), where=f"{where}, {found.digest}", media_type=found.media_type)
        yield found, document
        if isinstance(document, Index):
            waiting.extend((each, depth + 1) for each in reversed(document.manifests))


def put(remote: Remote, descriptor: Descriptor, raw: bytes, tags: Sequence[str]) -> Mapping[str, str]:
    """Put a document under its digest, or under tags; the headers of the first answer."""
    where = remote.where(descriptor.digest)
    if len(raw) != descriptor.size:
        raise IntegrityError("registry.wrong-size", f"{len(raw)} bytes instead of {descriptor.size}", where=where)
    _verify(where, raw, descriptor.digest)
    names = list(tags)
    if not names or not descriptor.digest.startswith("sha256:"):  # by a tag alone, a registry takes sha256
        names.insert(0, descriptor.digest)
    first: Mapping[str, str] | None = None
    for name in names:
        with remote.wire.request(
            "PUT", _target(remote, name), scopes=remote.push, headers={"Content-Type": descriptor.media_type},
            body=raw, accept={200, 201, 202, 204},
        ) as reply:  # fmt: skip
            said = reply.headers.get("docker-content-digest", "")
            if digests.is_valid(said) and said != hashed(raw, said):
                raise wrong_digest(where, f"the registry says that it took {said}")
            first = first if first is not None else reply.headers
    assert first is not None
    return first


def delete(remote: Remote, reference: str) -> None:
    """Take away a manifest by digest, or a tag; `Repository.delete` and `untag` say how."""
    is_digest = digests.is_valid(reference)
    with remote.wire.request(
        "DELETE", _target(remote, reference), scopes=remote.remove, accept=_GONE | _UNSUPPORTED
    ) as reply:
        if reply.status in _GONE:
            return
    if is_digest:
        raise RefusedError(
            "registry.cannot-delete", f"the registry does not delete manifests (it answered {reply.status})",
            where=remote.where(reference), hint="who runs the registry may switch it on, or do it there",
        )  # fmt: skip
    raise RefusedError(
        "registry.cannot-untag", f"the registry does not take tags away (it answered {reply.status})",
        where=remote.where(reference),
        hint="delete the image by its digest: that takes away every tag that points to it",
    )  # fmt: skip


def a_tag(text: str) -> str:
    """The tag itself.

    Raises:
        UsageError: `reference.bad`; above all a digest, of which a whole image would go.
    """
    if not is_tag(text):
        raise UsageError("reference.bad", f"{text[:160]!r} is not a tag")
    return text


def _asked(remote: Remote, reference: str) -> Descriptor | None:
    """What a HEAD says, when it says enough."""
    with remote.wire.request(
        "HEAD", _target(remote, reference), scopes=remote.pull, headers=_ACCEPT, accept={200} | _NO_HEAD
    ) as reply:
        digest = reply.headers.get("docker-content-digest", "")
        size = number(reply.headers, "content-length")
        kind = _media_type(remote, reference, reply.headers)
    if reply.status != 200 or not digests.is_valid(digest) or not size or kind is None:
        return None
    where = remote.where(reference)
    if size > LIMIT:
        raise too_large("manifest", where, size)
    if digests.is_valid(reference) and digest != reference:
        if digest.partition(":")[0] != reference.partition(":")[0]:
            return None
        raise wrong_digest(where, f"the registry says that it has {digest}")
    return Descriptor(kind, digest, size)


def _described(remote: Remote, reference: str, answer: Answer) -> Descriptor:
    """The descriptor of a document that was asked for by a name."""
    digest = _digest(remote, reference, answer)
    kind = _media_type(remote, reference, answer.headers)
    document = parse_document(answer.raw, where=remote.where(reference), media_type=kind)
    return Descriptor(document.media_type, digest, len(answer.raw))


def _digest(remote: Remote, reference: str, answer: Answer) -> str:
    """The digest of what came, which is the one that was asked for, or that the registry says."""
    where = remote.where(reference)
    if digests.is_valid(reference):
        _verify(where, answer.raw, reference)
        return reference
    said = answer.headers.get("docker-content-digest", "")
    digest = hashed(answer.raw, said if digests.is_valid(said) else "sha256:" + "0" * 64)
    if said.partition(":")[0] in {"sha256", "sha512"} and said != digest:
        raise wrong_digest(where, f"the registry says {said[:160]!r}, and what it sent has the digest {digest}")
    return digest


def _verify(where: str, raw: bytes, digest: str) -> None:
    found = hashed(raw, digest)
    if found != digest:
        raise wrong_digest(where, f"the {len(raw)} bytes that came have the digest {found}")


def _media_type(remote: Remote, reference: str, headers: Mapping[str, str]) -> str | None:
    """What the registry says it is; None when that is nothing we know."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith(_SCHEMA_1):
        raise document_error(
            "oci.schema1", "manifest", remote.where(reference), "this is an image of Docker's schema 1",
            hint="push it again with a Docker of this decade, or copy it with `skopeo copy --format oci`",
        )  # fmt: skip
    return kind if kind in MANIFESTS | INDEXES else None


def _target(remote: Remote, reference: str) -> str:
    if not digests.is_valid(reference) and not is_tag(reference):
        raise UsageError("reference.bad", f"{reference[:160]!r} is neither a tag nor a digest")
    return remote.target("manifests", reference)
