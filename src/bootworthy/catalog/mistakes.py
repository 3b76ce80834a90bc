"""What pydantic found wrong, in the words of the file: code, place, nearest right name."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from bootworthy.catalog.document import Mark, Plain, Report, Scalar, Tree, dotted

WANTED = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "enum": "a string",
    "is_instance_of": "a string",
}


def note_nulls(tree: Tree, report: Report, path: tuple[str | int, ...] = ()) -> None:
    """Note every key and item that has no value; nothing in a catalog may be null."""
    match tree.value:
        case dict() as entries:
            for key, entry in entries.items():
                if isinstance(entry.tree.value, Plain) and entry.tree.value.empty:
                    message, hint = f"`{key}` has no value", "give it one, or remove the key"
                    report.add("catalog.type", message, entry.mark, path=dotted((*path, key)), hint=hint)
                note_nulls(entry.tree, report, (*path, key))
        case tuple() as items:
            for index, item in enumerate(items):
                if isinstance(item.value, Plain) and item.value.empty:
                    report.add("catalog.type", "this item has no value", item.mark, path=dotted((*path, index)))
                note_nulls(item, report, (*path, index))
        case _:
            return


def note(errors: Iterable[ErrorDetails], tree: Tree, model: type[BaseModel], report: Report) -> None:
    """Note what validation found."""
    for error in errors:
        loc = tuple(step for step in error["loc"] if step != "[key]")
        mark, found = tree.at(loc)
        _note(error, loc, mark, found, model, report)


def _note(
    error: ErrorDetails, loc: tuple[str | int, ...], mark: Mark, found: Tree, model: type[BaseModel], report: Report
) -> None:
    kind, path = error["type"], dotted(loc)
    if isinstance(found.value, Plain) and found.value.empty:
        return  # noted by `note_nulls`
    if error["loc"][-1:] == ("[key]",) and isinstance(found.value, dict) and "for" in found.value:
        return  # the name is still unexpanded because its `for` is wrong, which is noted
    if kind.startswith("catalog."):
        context = error.get("ctx", {})
        spot = mark if error["loc"][-1:] == ("[key]",) or isinstance(found.value, dict) else found.mark
        report.add(kind, str(context["message"]), spot, path=path, hint=context["hint"] or None)
    elif kind == "missing":
        report.add("catalog.missing", f"`{loc[-1]}` is missing", mark, path=path, hint=_described(model, loc))
    elif kind == "extra_forbidden":
        known = sorted(_fields(_model_at(model, loc[:-1])))
        report.add(
            "catalog.unknown-key", f"unknown key {loc[-1]!r}", mark, path=path, hint=nearest(str(loc[-1]), known)
        )
    elif kind in WANTED:
        _note_type(WANTED[kind], found, path, report)
    elif kind == "too_short":
        report.add("catalog.value", "nothing stands here", found.mark, path=path, hint="name at least one")
    else:
        report.add("catalog.value", error["msg"].lower(), found.mark, path=path)


def _note_type(wanted: str, found: Tree, path: str, report: Report) -> None:
    if wanted == "a string" and isinstance(found.value, Plain):
        text = found.value.text
        message = f"{text} is not a string in YAML: {_taken(found.value)}"
        report.add("catalog.unquoted-version", message, found.mark, path=path, hint=f'quote it: "{text}"')
        return
    hint = None
    if isinstance(found.value, str) and wanted == "a list":
        hint = f"write [{found.value}]"
    elif isinstance(found.value, str) and wanted in {"a whole number", "true or false"}:
        hint = "write it without quotes"
    elif isinstance(found.value, Plain) and wanted == "true or false":
        hint = "write true or false"
    report.add("catalog.type", f"{wanted} is wanted here, not {_shape(found.value)}", found.mark, path=path, hint=hint)


def _taken(scalar: Plain) -> str:
    match scalar.value:
        case bool():
            return "it is true or false"
        case int() | float():
            return f"it is the number {scalar.value}"
        case _:
            return "some readers take it for a number, a date or a truth value"


def _shape(value: Scalar | tuple[Tree, ...] | Mapping[str, Any]) -> str:
    match value:
        case str():
            return "a string"
        case Plain(value=bool()):
            return "a truth value"
        case Plain(value=int() | float()):
            return "a number"
        case Plain():
            return value.text
        case tuple():
            return "a list"
        case _:
            return "a mapping"


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the nearest right name, else all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        return f"did you mean {near[0]}?"
    return f"known here: {', '.join(names)}" if names else "none is declared"


def _fields(model: type[BaseModel] | None) -> dict[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()} if model else {}


def _described(model: type[BaseModel], loc: tuple[str | int, ...]) -> str | None:
    field = _fields(_model_at(model, loc[:-1])).get(str(loc[-1]))
    return field.description if field else None


def _model_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that a path leads to, through lists, mappings and optional values."""
    kind: Any = model
    for step in loc:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = _fields(kind).get(str(step))
            kind = field.annotation if field else None
        else:
            arguments = typing.get_args(kind)
            kind = arguments[-1] if arguments else None
        kind = _bare(kind)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _bare(kind: Any) -> Any:
    while True:
        origin = typing.get_origin(kind)
        if origin is typing.Annotated:
            kind = typing.get_args(kind)[0]
        elif origin in {typing.Union, types.UnionType}:
            kind = next(argument for argument in typing.get_args(kind) if argument is not type(None))
        else:
            return kind
