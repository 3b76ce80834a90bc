"""Lists that come in pages, each with the address of the next in its `Link` header (RFC 8288)."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping
from urllib.parse import urljoin, urlsplit

from bootworthy.errors import NetworkError
from bootworthy.oci.registry.remote import Answer, Remote, bad_answer
from bootworthy.oci.registry.wire import NO_HEADERS

_MOST = 10_000
_LINK = re.compile(r'<([^<>]*)>((?:\s*;\s*[A-Za-z*]+\s*=\s*(?:"[^"]*"|[^\s",;]+))*)')
_NEXT = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?![^\s,;]))', re.IGNORECASE)


def pages(
    remote: Remote, target: str, *, limit: int, headers: Mapping[str, str] = NO_HEADERS, accept: Container[int],
) -> Iterator[Answer]:  # fmt: skip
    """Every page, beginning with `target`; what is on them is the caller's.

    Raises:
        NetworkError: `registry.endless-list`, `registry.bad-answer`; and as `Remote.get`.
    """
    seen: set[str] = set()
    following: str | None = target
    while following is not None:
        if following in seen or len(seen) >= _MOST:
            raise endless(remote)
        seen.add(following)
        answer = remote.get(following, headers=headers, accept=accept, limit=limit)
        yield answer
        following = _following(remote, answer)


def endless(remote: Remote) -> NetworkError:
    """The error for a list whose pages lead nowhere."""
    return NetworkError(
        "registry.endless-list", "the pages of the registry's list lead to each other without an end",
        where=remote.where(), hint="this is a fault of the registry, or of a proxy before it",
    )  # fmt: skip


def parsed(remote: Remote, answer: Answer) -> dict[str, object]:
    """The JSON object of a page.

    Raises:
        NetworkError: `registry.bad-answer`.
    """
    try:
        value: object = json.loads(answer.raw)
    except (ValueError, RecursionError) as error:
        raise bad_answer(remote.where(), "the registry's list is no JSON") from error
    if not isinstance(value, dict):
        raise bad_answer(remote.where(), "the registry's list is no JSON object")
    return value


def _following(remote: Remote, answer: Answer) -> str | None:
    """The path and query of the next page. It is asked of the same registry, so that is where it must be."""
    for address, parameters in _LINK.findall(answer.headers.get("link", "")):
        if _NEXT.search(parameters):
            found = urlsplit(urljoin(answer.url, address))
            if found.netloc != urlsplit(answer.url).netloc:
                raise bad_answer(
                    remote.where(), f"the next page of the list is on another host, {found.netloc[:160]!r}"
                )
            return f"{found.path}?{found.query}" if found.query else found.path
    return None
