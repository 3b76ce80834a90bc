"""Edits that rules ask for: a part of a value, a key behind another one, an item at the end of a list."""

from __future__ import annotations

import re

from bootworthy.targets.lint.documents import Source
from bootworthy.targets.lint.tree import Edit, Entry, Node, Span, content_end


def within(source: Source, node: Node, old: str, new: str) -> tuple[Edit, ...]:
    """The edit of a part of a value, where it stands there as it reads; none where it is escaped, or there twice."""
    written = source.written(node.span)
    if written.count(old) != 1:
        return ()
    start = node.span.start + written.index(old)
    return (Edit(Span(start, start + len(old)), new),)


def after(source: Source, mapping: Node, entry: Entry, flow: str, block: str) -> Edit:
    """A key put behind another one: `flow` where the mapping is in braces, `block` (lines) where it is not."""
    indent = _before(source, entry.key)
    if mapping.flow:
        at = entry.node.span.end
        return Edit(Span(at, at), f",{indent}{flow}")
    at = _line_end(source, content_end(entry.node))
    begin = _newline(source) + " " * (source.mark(entry.key.start).column - 1)
    return Edit(Span(at, at), "".join(begin + line for line in block.split("\n")))


def appended(source: Source, items: Node, flow: str, block: str) -> Edit | None:
    """An item put at the end of a list that has one; None where its last line begins as no list does."""
    last = items.items[-1]
    if items.flow:
        at, indent = last.span.end, _before(source, last.span)
        return Edit(Span(at, at), f",{indent}{flow}")
    line = source.text.rfind("\n", 0, last.span.start) + 1
    begin = source.text[line : last.span.start]
    if begin.strip() != "-":
        return None
    at = _line_end(source, content_end(last))
    return Edit(Span(at, at), f"{_newline(source)}{begin}{block}")


def _newline(source: Source) -> str:
    return "\r\n" if "\r\n" in source.text else "\n"


def _before(source: Source, span: Span) -> str:
    """The line break and the blanks before a key or an item; one blank where it does not begin its line."""
    found = re.search(r"(?:\r?\n)?[ \t]*\Z", source.text[max(0, span.start - 200) : span.start])
    return found[0] if found and "\n" in found[0] else " "


def _line_end(source: Source, at: int) -> int:
    found = re.compile(r"\r?\n|\Z").search(source.text, at)
    return found.start() if found else at
