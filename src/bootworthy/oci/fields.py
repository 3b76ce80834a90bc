"""Strict reading of JSON documents that somebody else wrote: a field that has not its type is named in the error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Never, TypeVar

from bootworthy.errors import DocumentError, Problem
from bootworthy.oci import digest as digests

_T = TypeVar("_T")

LIMIT = 4 * 2**20
"""Bytes a manifest, index or image configuration may have: what registries must accept (distribution-spec v1.1)."""


def document_error(
    code: str, kind: str, where: str, message: str, path: str = "", hint: str | None = None
) -> DocumentError:
    """The error for one mistake in a document of this kind."""
    text = f"{path}: {message}" if path else message
    return DocumentError(
        code, f"not a readable {kind}: {text}", [Problem(code, message, where, path, hint)], where=where
    )


def load_value(raw: bytes, *, kind: str, where: str, limit: int = LIMIT) -> object:
    """The JSON value that some bytes are; duplicate keys, NaN and lone surrogates are refused.

    Raises:
        DocumentError: `oci.bad-document`, `oci.too-large`.
    """
    if len(raw) > limit:
        raise too_large(kind, where, len(raw), limit)
    try:
        value: object = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        if b"\\u" in raw:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        detail = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise document_error("oci.bad-document", kind, where, f"no valid JSON ({detail[:200]})") from error
    return value


def load_object(raw: bytes, *, kind: str, where: str, limit: int = LIMIT) -> dict[str, object]:
    """The JSON object that some bytes are.

    Raises:
        DocumentError: `oci.bad-document`, `oci.too-large`.
    """
    value = load_value(raw, kind=kind, where=where, limit=limit)
    if not isinstance(value, dict):
        raise document_error("oci.bad-document", kind, where, "not a JSON object")
    return value


def too_large(kind: str, where: str, size: int, limit: int = LIMIT) -> DocumentError:
    """The error for a document that is larger than any honest one."""
    return document_error("oci.too-large", kind, where, f"{size} bytes, and {limit} is the most one may have")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return values


def _no_constant(name: str) -> Never:
    raise ValueError(f"{name} is no JSON number")


class Fields:
    """One JSON object and where it stands. A `null` counts as a field that is not there, as Go programs write it."""

    __slots__ = ("_kind", "_path", "_values", "_where")

    def __init__(self, values: dict[str, object], *, kind: str, where: str, path: str = "") -> None:
        self._values = values
        self._kind = kind
        self._where = where
        self._path = path

    @classmethod
    def parse(cls, raw: bytes, *, kind: str, where: str, limit: int = LIMIT) -> Fields:
        """The fields of a document.

        Raises:
            DocumentError: `oci.bad-document`, `oci.too-large`.
        """
        return cls(load_object(raw, kind=kind, where=where, limit=limit), kind=kind, where=where)

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def error(
        self, key: str, message: str, *, code: str = "oci.bad-document", hint: str | None = None
    ) -> DocumentError:
        """The error for a field."""
        return document_error(code, self._kind, self._where, message, self._below(key), hint)

    def text(self, key: str) -> str:
        """A string that must be there."""
        value = self._values.get(key)
        if not isinstance(value, str):
            raise self.error(key, "must be a string")
        return value

    def maybe_text(self, key: str) -> str | None:
        """A string, or nothing."""
        return self.text(key) if key in self else None

    def digest(self, key: str) -> str:
        """A digest that must be there."""
        value = self.text(key)
        if not digests.is_valid(value):
            raise self.error(key, f"{value[:160]!r} is not a digest")
        return value

    def count(self, key: str) -> int:
        """A number of bytes or things that must be there."""
        value = self._values.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise self.error(key, "must be a whole number, not below 0")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; nothing there is an empty one."""
        return tuple(self._text_at(f"{key}[{number}]", value) for number, value in enumerate(self._list(key)))

    def mapping(self, key: str) -> dict[str, str]:
        """A map of strings to strings; nothing there is an empty one."""
        return {name: self._text_at(f"{key}.{name}", value) for name, value in self._object(key).items()}

    def inside(self, key: str) -> Fields:
        """An object; nothing there is an empty one."""
        return Fields(self._object(key), kind=self._kind, where=self._where, path=self._below(key))

    def named(self, key: str) -> dict[str, Fields]:
        """A map of strings to objects; nothing there is an empty one."""
        inside = self.inside(key)
        for name, value in inside._values.items():
            if not isinstance(value, dict):
                raise inside.error(name, "must be an object")
        return {name: inside.inside(name) for name in inside._values}

    def each(self, key: str) -> tuple[Fields, ...]:
        """A list of objects; nothing there is an empty one."""
        return tuple(self._at(f"{key}[{number}]", value) for number, value in enumerate(self._list(key)))

    def readable(
        self, key: str, read: Callable[[Fields], _T], skip: Callable[[object, DocumentError], None]
    ) -> tuple[_T, ...]:  # fmt: skip
        """What is read of a list of objects; `skip` is told of each that cannot be, and why."""
        found = []
        for number, value in enumerate(self._list(key)):
            try:
                found.append(read(self._at(f"{key}[{number}]", value)))
            except DocumentError as error:
                skip(value, error)
        return tuple(found)

    def _at(self, key: str, value: object) -> Fields:
        if not isinstance(value, dict):
            raise self.error(key, "must be an object")
        return Fields(value, kind=self._kind, where=self._where, path=self._below(key))

    def _below(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _text_at(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.error(key, "must be a string")
        return value

    def _list(self, key: str) -> list[object]:
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(key, "must be a list")
        return value

    def _object(self, key: str) -> dict[str, object]:
        value = self._values.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.error(key, "must be an object")
        return value
