"""What a registry says, made fit to be shown."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping

from bootworthy.errors import IntegrityError, NetworkError
from bootworthy.oci.registry.wire import Reply

SHOWN = 300
"""Characters of a registry's own words that are shown."""
LONGEST = 1 << 16
"""Bytes of an error's body that are read."""


def clean(text: str, hide: Callable[[str], str] = str) -> str:
    """Somebody else's words: on one line, without control characters and secrets, and not many."""
    kept = (" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in hide(text[: 1 << 14]))
    words = " ".join("".join(kept).split())
    return words if len(words) <= SHOWN else words[: SHOWN - 3] + "..."


def said(body: bytes, hide: Callable[[str], str] = str) -> str:
    """The code and message of a registry's error (distribution-spec v1.1, "Error Codes"), or nothing."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    errors = document.get("errors") if isinstance(document, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else document
    if not isinstance(first, dict):
        return ""
    words = [first.get(name) for name in ("code", "message", "error", "error_description", "details")]
    return clean(": ".join(word for word in words if isinstance(word, str) and word), hide)


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers by lower-case names."""
    return {name.lower(): value for name, value in headers.items()}


def words_of(reply: Reply, hide: Callable[[str], str] = str) -> str:
    """What a registry says with a refusal; a body that is too long or breaks off says nothing."""
    try:
        return said(reply.read(LONGEST), hide)
    except (NetworkError, IntegrityError):
        return ""
