"""JSON Schema (draft 2020-12), as much of it as the schemas of tests use; a keyword it does not know is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SCHEMAS = Path(__file__).parent / "data" / "schemas"
_TYPES: dict[str, type] = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
_ELSEWHERE = {"$schema", "title", "$defs", "type", "properties", "additionalProperties", "required", "items"}
_Schema = dict[str, Any]


def faults(value: Any, name: str) -> list[str]:
    """What is wrong with a document, by the schema of that name."""
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    return list(_faults(value, schema, schema, "$"))


def _faults(value: Any, schema: _Schema, root: _Schema, at: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind is not None and not (isinstance(value, _TYPES[kind]) and (kind == "boolean") == isinstance(value, bool)):
        yield f"{at}: no {kind}"
        return
    for keyword, wanted in schema.items():
        if keyword == "$ref":
            yield from _faults(value, root["$defs"][wanted.rpartition("/")[2]], root, at)
        elif keyword not in _ELSEWHERE and not _HOLDS[keyword](wanted, value):
            yield f"{at}: {value!r} is not {keyword} {wanted}"
    if isinstance(value, dict):
        yield from _object(value, schema, root, at)
    for index, item in enumerate(value if isinstance(value, list) else []):
        yield from _faults(item, schema.get("items", {}), root, f"{at}[{index}]")


def _object(value: dict[str, Any], schema: _Schema, root: _Schema, at: str) -> Iterator[str]:
    yield from (f"{at}: {key} is missing" for key in schema.get("required", ()) if key not in value)
    others = schema.get("additionalProperties", {})
    for key, item in value.items():
        wanted = schema.get("properties", {}).get(key, others)
        if wanted is False:
            yield f"{at}: {key} is not known"
        else:
            yield from _faults(item, wanted, root, f"{at}.{key}")


_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "const": lambda wanted, value: bool(value == wanted),
    "enum": lambda wanted, value: any(value == each and type(value) is type(each) for each in wanted),
    "pattern": lambda wanted, value: re.search(wanted, value) is not None,
    "minimum": lambda wanted, value: bool(value >= wanted),
    "maximum": lambda wanted, value: bool(value <= wanted),
    "minItems": lambda wanted, value: len(value) >= wanted,
    "maxLength": lambda wanted, value: len(value) <= wanted,
}
