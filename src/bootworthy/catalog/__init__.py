"""What is promised: the catalog file, its models, loading with located errors, selection, the built-in catalogs.

`load`, `load_text` and `json_schema` bring pydantic and a YAML reader with them, and are imported when first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bootworthy.catalog.identity import catalog_entry_digest
from bootworthy.catalog.selection import select

if TYPE_CHECKING:
    from bootworthy.catalog.loading import json_schema, load, load_text

__all__ = ["catalog_entry_digest", "json_schema", "load", "load_text", "select"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("bootworthy.catalog.loading"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
