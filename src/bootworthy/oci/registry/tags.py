"""The tags of a repository."""

from __future__ import annotations

from collections.abc import Iterator

from bootworthy.oci.reference import is_tag
from bootworthy.oci.registry.paging import endless, pages, parsed
from bootworthy.oci.registry.remote import Remote, bad_answer

_PAGE = 1000
_LIMIT = 32 * 2**20
"""Bytes of one page; some registries send all tags in one."""
_IDLE = 3
"""Pages in a row without a tag that is new."""
_MOST = 1_000_000


def tags(remote: Remote) -> Iterator[str]:
    """Every tag once, as the registry has them in order; `Repository.tags` says how."""
    seen: set[str] = set()
    idle = 0
    for page in pages(remote, f"{remote.target('tags', 'list')}?n={_PAGE}", limit=_LIMIT, accept={200}):
        before = len(seen)
        found = parsed(remote, page).get("tags")
        if found is not None and not isinstance(found, list):
            raise bad_answer(remote.where(), "the registry's list of tags is no list")
        for tag in found or ():
            if not isinstance(tag, str) or not is_tag(tag):
                raise bad_answer(remote.where(), f"the registry's list of tags has {str(tag)[:160]!r} in it")
            if tag not in seen:
                seen.add(tag)
                yield tag
        idle = idle + 1 if len(seen) == before else 0
        if idle >= _IDLE or len(seen) > _MOST:
            raise endless(remote)
