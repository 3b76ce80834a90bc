"""YAML, of one document or many, to trees with places (YAML 1.2; merge keys of 1.1, which Kubernetes reads)."""

from __future__ import annotations

import re
import warnings
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bootworthy.targets.lint.scanner import DEEPEST
from bootworthy.targets.lint.tree import Entry, Node, Odd, Oddity, Scalar, Span, TextError

_MOST_NODES = 100_000
_MERGE = "tag:yaml.org,2002:merge"
# Excerpts begin with the dots that end a document; that is no YAML, and means nothing here.
_DOTS = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*(?:\.\.\.[ \t]*\n(?:[ \t]*(?:#[^\n]*)?\n)*)+")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


def scan(text: str) -> tuple[tuple[Node, ...], tuple[Odd, ...]]:
    """The documents of a text that hold anything, and keys that stand twice in one mapping.

    Raises:
        TextError: the text is no YAML, nested more than 64 levels, or expanded by aliases to more than 100,000 values.
    """
    builder = _Builder()
    documents = [builder.node(node) for node in _composed(text) if node is not None]
    return tuple(node for node in documents if node.value is not None), tuple(builder.odd)


def _composed(text: str) -> list[Any]:
    dots = _DOTS.match(text)
    if dots is not None:
        text = re.sub(r"[^\n]", " ", dots[0]) + text[dots.end() :]
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEEPEST
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            return list(yaml.compose_all(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(filter(None, [error.context, error.problem]))
        deep = f"nested more than {DEEPEST} levels" if "maximum depth" in words else ""
        raise TextError(deep or f"not valid YAML: {words}", mark.index if mark else 0) from error
    except ReaderError as error:
        message = f"the character U+{ord(text[error.position]):04X} may not stand in YAML"
        raise TextError(message, error.position) from error
    except RecursionError as error:
        raise TextError("nested too deeply", 0) from error
    except (YAMLError, ValueError) as error:
        raise TextError(f"not valid YAML: {error}", 0) from error


class _Builder:
    def __init__(self) -> None:
        self.odd: list[Odd] = []
        self._nodes = 0
        self._open: set[int] = set()

    def node(self, node: Any) -> Node:
        span = Span(node.start_mark.index, node.end_mark.index)
        self._nodes += 1
        if id(node) in self._open:
            raise TextError("an alias stands inside what it repeats", span.start)
        if self._nodes > _MOST_NODES or len(self._open) > DEEPEST:
            raise TextError(f"aliases expand this text to more than {_MOST_NODES} values", span.start)
        self._open.add(id(node))
        try:
            match node:
                case MappingNode():
                    return Node(span, self._mapping(node), bool(node.flow_style))
                case SequenceNode():
                    return Node(span, tuple(self.node(item) for item in node.value), bool(node.flow_style))
                case _:
                    return Node(span, _value(node), node.style not in {"|", ">"})
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: Any) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key, value in node.value:
            span = Span(key.start_mark.index, key.end_mark.index)
            if not isinstance(key, ScalarNode):
                raise TextError("a key must be a word", span.start)
            below = self.node(value)
            if str(key.tag) == _MERGE:
                for source in below.items or (below,):
                    merged = {**source.entries, **merged}
                continue
            name = _characters(key.value)
            if name in entries:
                self.odd.append(Odd(Oddity.DUPLICATE, span))
            entries[name] = Entry(span, below)
        return {**merged, **entries}


def _characters(text: Any) -> str:
    """JSON, which YAML 1.2 takes in, writes characters above U+FFFF as two escapes."""
    return str(text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _value(node: Any) -> Scalar:
    """What the core schema makes of a scalar (YAML 1.2.2, section 10.3.2)."""
    text = _characters(node.value)
    if node.style is not None:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"[-+]?(\.[0-9]{1,300}|[0-9]{1,300}(\.[0-9]{0,300})?)([eE][-+]?[0-9]{1,3})?", text):
        return float(text)
    return text
