"""A wrong file made right enough to look at the whole of it: what is wrong is quoted, put back to its default, or
left out. Nothing of it is used but the further mistakes that are found in it, so that all can be reported at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic_core import ErrorDetails

from bootworthy.catalog.document import Plain, Tree
from bootworthy.catalog.mistakes import WANTED

_SECTIONS = {"systems", "kernels", "machines"}
# What decides which cells there are: an entry that is wrong in one of these is left out whole.
_DECISIVE = {"vmm", "hardware", "arch", "architectures", "systems", "kernels", "machines"}
_NO_CELLS = {"systems": ["-"], "kernels": ["-"], "machines": ["-"], "support": "planned"}


def mend(data: Any, errors: Iterable[ErrorDetails], tree: Tree) -> None:
    """Change `data`, the tree as plain data, so that these errors are gone, as far as that needs no guess."""
    for error in errors:
        loc = tuple(step for step in error["loc"] if step != "[key]")
        key = error["loc"][-1:] == ("[key]",)
        _, found = tree.at(loc)
        parent = _at(data, loc[:-1])
        if error["type"] == "extra_forbidden" and isinstance(parent, dict):
            parent.pop(loc[-1], None)
        elif WANTED.get(error["type"]) == "a string" and isinstance(found.value, Plain) and _has(parent, loc[-1]):
            parent[loc[-1]] = found.value.text
        elif len(loc) == 1:
            _top(data, str(loc[0]))
        elif loc[0] in _SECTIONS:
            _entry(data[loc[0]], loc[1], None if key or len(loc) == 2 else loc[2])
        elif loc[0] == "matrix":
            _row(data["matrix"], loc[1], loc[2] if len(loc) > 2 else None)


def _top(data: Any, key: str) -> None:
    if key == "name":
        data[key] = "unnamed"
    elif key == "bootworthy":
        data[key] = 1
    elif key == "kernels" or key not in {*_SECTIONS, "matrix"}:
        data.pop(key, None)


def _entry(section: Any, name: str | int, key: str | int | None) -> None:
    if key is None or key in _DECISIVE:
        section.pop(name, None)
    elif name in section:
        section[name].pop(key, None)


def _row(rows: Any, index: str | int, key: str | int | None) -> None:
    if key is None or key in _DECISIVE:
        rows[index] = dict(_NO_CELLS)  # rows keep their places, which messages name
    elif key == "support":
        rows[index][key] = "planned"
    else:
        rows[index].pop(key, None)


def _at(data: Any, loc: tuple[str | int, ...]) -> Any:
    for step in loc:
        if not _has(data, step):
            return None
        data = data[step]
    return data


def _has(data: Any, step: str | int) -> bool:
    if isinstance(data, dict):
        return step in data
    return isinstance(data, list) and isinstance(step, int) and step < len(data)
