"""A document as a tree in which every key and every value knows where it stands.

Places are offsets into the text, counted in characters, so that a fix can change a value and nothing around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None


class TextError(Exception):
    """A text cannot be told, or is more than we read; `at` is the offset."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` up to, and without, `end`."""

    start: int
    end: int


# By identity: two values that look alike stand in two places.
@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value and where it stands."""

    span: Span
    value: Scalar | tuple[Node, ...] | dict[str, Entry]
    flow: bool = True
    """Whether it is written as JSON writes it, in brackets or quotes; else it is a block of YAML."""

    @property
    def text(self) -> str | None:
        """The value, if it is a string."""
        return self.value if isinstance(self.value, str) else None

    @property
    def number(self) -> int | None:
        """The value, if it is a whole number."""
        return self.value if isinstance(self.value, int) and not isinstance(self.value, bool) else None

    @property
    def items(self) -> tuple[Node, ...]:
        """What is in a list; nothing for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def entries(self) -> dict[str, Entry]:
        """What is in a mapping; nothing for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def empty(self) -> bool:
        """Whether there is nothing: null, or a text without a character."""
        return self.value is None or self.value == ""

    def get(self, *path: str) -> Node | None:
        """The value under a key, under a key; None where there is none, or null."""
        node = self
        for key in path:
            entry = node.entries.get(key)
            if entry is None or entry.node.value is None:
                return None
            node = entry.node
        return node

    def walk(self) -> Iterator[Node]:
        """This value and all below it."""
        yield self
        for child in (*self.items, *(entry.node for entry in self.entries.values())):
            yield from child.walk()


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One key of a mapping, where it stands, and its value."""

    key: Span
    node: Node


class Oddity(StrEnum):
    """What is in a text that JSON does not allow, and that can be told all the same."""

    COMMENT = "comment"
    BARE_WORD = "bare word"
    QUOTES = "single quotes"
    CONTROL = "control character"
    TRAILING_COMMA = "trailing comma"
    MISSING_COMMA = "missing comma"
    NO_BRACES = "no braces"
    DUPLICATE = "duplicate key"


@dataclass(frozen=True, slots=True)
class Edit:
    """Other text for a span; an empty span is a place where it is put in."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Odd:
    """One oddity, and what would be JSON; no edits where only a person can say that."""

    kind: Oddity
    span: Span
    edits: tuple[Edit, ...] = ()


def content_end(node: Node) -> int:
    """Where the last character of a value ends; a block of YAML reaches on to the next token."""
    if node.flow or not (node.items or node.entries):
        return node.span.end
    last = node.items[-1] if node.items else max((e.node for e in node.entries.values()), key=lambda it: it.span.start)
    return content_end(last)
