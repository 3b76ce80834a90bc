"""Documents as text: JSON, YAML and shell words, the same bytes for the same content."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from bootworthy.catalog.document import ambiguous
from bootworthy.oci.canonical import canonical_json

_SHORT = 10
_WIDE = 4096
"""Columns: no line is folded, since clusterctl replaces variables in lines."""


def as_json(document: Mapping[str, Any]) -> str:
    """JSON, indented, in the order of the fields."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_yaml(documents: Iterable[Mapping[str, Any]]) -> str:
    """YAML documents; whatever YAML 1.1 could take for a number, a date or a truth value is quoted."""
    yaml = YAML()
    yaml.width = _WIDE
    parts = []
    for document in documents:
        stream = io.StringIO()
        yaml.dump(_quoted(document), stream)
        parts.append(stream.getvalue())
    return "---\n".join(parts)


def as_command(words: Sequence[str]) -> str:
    """A command for a POSIX shell: each option with its values on a line."""
    lines: list[list[str]] = []
    for word in words:
        if not lines or (word.startswith("-") and len(word) > 1):
            lines.append([])
        lines[-1].append(shlex.quote(word))
    return " \\\n  ".join(" ".join(line) for line in lines) + "\n"


def short_digest(content: Any) -> str:
    """Ten hexadecimal digits over canonical JSON: what a name carries, so that it changes with its content."""
    return hashlib.sha256(canonical_json(content)).hexdigest()[:_SHORT]


def _quoted(value: Any) -> Any:
    match value:
        case str() if "\n" in value:
            return LiteralScalarString(value)
        case str():
            return DoubleQuotedScalarString(value) if ambiguous(value) else value
        case list():
            return [_quoted(each) for each in value]
        case dict():
            return {key: _quoted(each) for key, each in value.items()}
        case _:
            return value
