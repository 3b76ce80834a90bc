"""What speaks of an image: the referrers API, and the tag that stands in for it where there is none.

Distribution-spec v1.1, "Listing Referrers" and "Referrers Tag Schema".
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote

from bootworthy.errors import DocumentError, NetworkError, NotFoundError
from bootworthy.oci import digest as digests
from bootworthy.oci.canonical import canonical_json
from bootworthy.oci.documents import INDEX, INDEXES, Descriptor
from bootworthy.oci.fields import LIMIT, Fields, load_object
from bootworthy.oci.registry import manifests
from bootworthy.oci.registry.paging import endless, pages, parsed
from bootworthy.oci.registry.remote import Patience, Remote, bad_answer

_NO_API = frozenset({400, 404, 405, 406, 501})
_MOST = 100_000
_RACES = 8
_EMPTY: Mapping[str, object] = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}

Skip = Callable[[str, str], None]
"""Told of an entry that cannot be read: its digest, empty where it has none, and why."""


def silently(_digest: str, _why: str, /) -> None:
    """Nobody needs to know."""


def tag_of(digest: str) -> str:
    """The tag that lists what refers to a digest: algorithm and encoded part, cut to 32 and 64 characters."""
    algorithm, _, encoded = digest.partition(":")
    return re.sub(r"[^A-Za-z0-9_.-]", "-", f"{algorithm[:32]}-{encoded[:64]}")


def referrers(remote: Remote, digest: str, artifact_type: str | None, skip: Skip) -> tuple[Descriptor, ...]:
    """What refers to a digest; `Repository.referrers` says how."""
    found = _by_api(remote, digest, artifact_type)
    if found is None:
        found = _by_tag(remote, digest)
    for bad, why in found.skipped:
        skip(bad, why)
    every = found.entries.values()
    return tuple(each for each in every if artifact_type is None or each.artifact_type == artifact_type)


class _Found:
    """Entries of a list, each once: anybody may have put some there, and one that cannot be read hides no other."""

    def __init__(self) -> None:
        self.entries: dict[str, Descriptor] = {}
        self.skipped: list[tuple[str, str]] = []

    def __len__(self) -> int:
        return len(self.entries) + len(self.skipped)

    def take(self, fields: Fields) -> None:
        """Read the entries of a list, or of one page of it."""
        for each in fields.readable("manifests", Descriptor.parse, self._skip):
            self.entries.setdefault(each.digest, each)

    def _skip(self, entry: object, error: DocumentError) -> None:
        said = _digest(entry)
        digest = said if isinstance(said, str) and digests.is_valid(said) else ""
        why = error.problems[0]
        self.skipped.append((digest, f"{why.path}: {why.message}"))


def subject_of(raw: bytes, where: str) -> Descriptor | None:
    """What a document says it refers to.

    Raises:
        DocumentError: `oci.bad-document`, `oci.too-large`.
    """
    fields = Fields.parse(raw, kind="manifest", where=where)
    return Descriptor.parse(fields.inside("subject")) if "subject" in fields else None


def entry_of(descriptor: Descriptor, raw: bytes, where: str) -> Descriptor:
    """The descriptor under which a document stands in a list of referrers.

    Raises:
        DocumentError: `oci.bad-document`, `oci.too-large`.
    """
    fields = Fields.parse(raw, kind="manifest", where=where)
    artifact_type = fields.maybe_text("artifactType")
    if artifact_type is None and descriptor.media_type not in INDEXES:
        artifact_type = fields.inside("config").maybe_text("mediaType")
    return Descriptor(
        descriptor.media_type, descriptor.digest, descriptor.size, fields.mapping("annotations"), None, artifact_type
    )


def enter(remote: Remote, subject: str, entry: Descriptor, patience: Patience) -> None:
    """See to it that an entry stands in the tag's list. Nothing there that is not ours changes."""

    def entered(entries: list[object]) -> list[object] | None:
        return None if entry.digest in map(_digest, entries) else [*entries, entry.as_json()]

    _change(remote, subject, entered, patience)


def strike(remote: Remote, subject: str, digest: str, patience: Patience) -> None:
    """See to it that a manifest does not stand in the tag's list any more."""

    def struck(entries: list[object]) -> list[object] | None:
        left = [each for each in entries if _digest(each) != digest]
        return None if len(left) == len(entries) else left

    _change(remote, subject, struck, patience)


def has_api(remote: Remote, digest: str) -> bool:
    """Whether the registry keeps referrers by itself."""
    return _by_api(remote, digest, None) is not None


def _change(
    remote: Remote, subject: str, change: Callable[[list[object]], list[object] | None], patience: Patience
) -> None:
    """Read, change, write, and look whether it stayed: registries cannot write on a condition.

    Another writer that had read before our writing overwrites it. It does so within about the time that reading and
    writing take, so the last look comes twice as long after.
    """
    tag = tag_of(subject)
    for _ in range(_RACES):
        began = time.monotonic()
        index = _list_at(remote, tag)
        entries = index["manifests"]
        assert isinstance(entries, list)
        changed = change(entries)
        if changed is None:
            return
        raw = canonical_json({**index, "manifests": changed})
        manifests.put(remote, Descriptor.of(raw, INDEX), raw, [tag])
        patience.sleep(min(2 * (time.monotonic() - began), 2.0))
    entries = _list_at(remote, tag)["manifests"]
    assert isinstance(entries, list)
    if change(entries) is not None:
        raise NetworkError(
            "registry.lost-race", f"the list of referrers was overwritten {_RACES} times by somebody else",
            where=remote.where(tag), hint="run it again when nobody else pushes there",
        )  # fmt: skip


def _list_at(remote: Remote, tag: str) -> dict[str, object]:
    """The document at a referrers tag, with every field somebody put there."""
    try:
        kind, raw = manifests.unread(remote, tag)
    except NotFoundError:
        return dict(_EMPTY)
    index = load_object(raw, kind="index", where=remote.where(tag))
    entries = index.get("manifests") or []
    if kind not in {None, *INDEXES} or index.get("config") is not None or not isinstance(entries, list):
        raise bad_answer(remote.where(tag), "the tag that should list referrers is an image")
    return {**index, "mediaType": INDEX, "manifests": entries}


def _by_tag(remote: Remote, digest: str) -> _Found:
    tag = tag_of(digest)
    found = _Found()
    found.take(Fields(_list_at(remote, tag), kind="list of referrers", where=remote.where(tag)))
    return found


def _by_api(remote: Remote, digest: str, artifact_type: str | None) -> _Found | None:
    """None where there is no such API."""
    query = f"?artifactType={quote(artifact_type, safe='')}" if artifact_type else ""
    found = _Found()
    first = True
    target = remote.target("referrers", digest) + query
    for page in pages(remote, target, limit=LIMIT, headers={"Accept": INDEX}, accept={200} | _NO_API):
        kind = page.headers.get("content-type", "").partition(";")[0].strip().lower()
        if page.status != 200 or kind != INDEX:
            if first:
                return None
            raise bad_answer(remote.where(digest), "a page of the list of referrers is not an index")
        fields = Fields(parsed(remote, page), kind="list of referrers", where=remote.where(digest))
        before = len(found)
        found.take(fields)
        if (not first and len(found) == before) or len(found) > _MOST:
            raise endless(remote)
        first = False
    return found


def _digest(entry: object) -> object:
    return entry.get("digest") if isinstance(entry, dict) else None
