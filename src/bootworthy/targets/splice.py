"""Scalars of a YAML or JSON text replaced where they stand: every other character stays as it was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bootworthy.catalog.document import LARGEST, ambiguous
from bootworthy.errors import DocumentError, Problem

_BLOCKS = ("|", ">")
_PLAIN_STARTS = tuple("!&*-?|>%@`\"'#,[]{} ")


@dataclass(frozen=True, slots=True)
class Edit:
    """A scalar and what it is to say."""

    node: ScalarNode
    text: str


def documents(text: str, name: str) -> tuple[Node, ...]:
    """The trees of a text, with marks that count characters from its start.

    Raises:
        DocumentError: `emit.syntax`.
    """
    if len(text) > LARGEST:
        raise _wrong("emit.syntax", f"the file has more than {LARGEST // 1024} KiB", name)
    try:
        found = tuple(node for node in YAML(pure=True).compose_all(text) if node is not None)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise _wrong("emit.syntax", error.problem or str(error), where) from error
    except (ReaderError, YAMLError, RecursionError) as error:
        raise _wrong("emit.syntax", f"it cannot be read: {error}".splitlines()[0], name) from error
    return found


def splice(text: str, roots: Iterable[Node], edits: Iterable[Edit], name: str) -> str:
    """The text with each scalar replaced, in the quotes it had.

    Raises:
        DocumentError: `emit.shared`, for a scalar that an alias uses elsewhere too; `emit.block`, for a block scalar.
    """
    wanted: dict[int, list[Edit]] = {}
    for edit in edits:
        wanted.setdefault(id(edit.node), []).append(edit)
    uses = Counter(id(node) for root in roots for node in _scalars(root))
    problems, spans = [], []
    for group in wanted.values():
        node = group[0].node
        where = place(node, name)
        if len(group) != uses[id(node)] or len({edit.text for edit in group}) != 1:
            problems.append(
                Problem("emit.shared", "an alias uses this value elsewhere, too", where, hint="write it out")
            )
        elif node.style in _BLOCKS:
            problems.append(Problem("emit.block", "this is a block of text", where, hint="write it on one line"))
        elif node.value != group[0].text:
            spans.append((_start(text, node), node.end_mark.index, _written(group[0].text, node.style)))
    if problems:
        raise DocumentError("emit.file", "this file cannot be changed in place", problems, where=name)
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def child(node: Node | None, *keys: str) -> Node | None:
    """What a mapping has under the first of some keys that it has."""
    if isinstance(node, MappingNode):
        for key in keys:
            for name, value in node.value:
                if isinstance(name, ScalarNode) and name.value == key:
                    return value  # type: ignore[no-any-return]
    return None


def items(node: Node | None) -> list[Node]:
    """The items of a sequence; none of anything else."""
    return list(node.value) if isinstance(node, SequenceNode) else []


def scalar(node: Node | None) -> str | None:
    """What a scalar says; None for anything else."""
    return node.value if isinstance(node, ScalarNode) else None


def place(node: Node, name: str) -> str:
    """`file:line:column` of a node."""
    return f"{name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _scalars(node: Node) -> Iterator[ScalarNode]:
    """Every use of every scalar: one that aliases repeat comes as often as it is used."""
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for item in node.value:
            yield from _scalars(item)
    elif isinstance(node, MappingNode):
        for key, value in node.value:
            yield from _scalars(key)
            yield from _scalars(value)


def _start(text: str, node: ScalarNode) -> int:
    """Where the value itself begins: behind an anchor and a tag."""
    start: int = node.start_mark.index
    while text[start] in "&!":
        while not text[start].isspace():
            start += 1
        while text[start].isspace():
            start += 1
    return start


def _written(text: str, style: str | None) -> str:
    if style == '"':
        return json.dumps(text, ensure_ascii=False)
    if style == "'":
        return "'" + text.replace("'", "''") + "'"
    plain = text and not text.startswith(_PLAIN_STARTS) and not set(text) & set(",[]{}\n\t\"'#") and ": " not in text
    if plain and not ambiguous(text) and not text.endswith((":", " ")):
        return text
    return json.dumps(text, ensure_ascii=False)


def _wrong(code: str, message: str, where: str) -> DocumentError:
    return DocumentError("emit.file", "this file cannot be read", [Problem(code, message, where)], where=where)
