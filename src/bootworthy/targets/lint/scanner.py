"""JSON, and what people write for it: comments, words without quotes, commas too many or too few, no outer braces.

RFC 8259 is read as it is; whatever goes beyond it is an `Odd` in the result, with the edit that would make it JSON.
Time is linear in the length of the text.
"""

from __future__ import annotations

import json
import re

from bootworthy.targets.lint.tree import Edit, Entry, Node, Odd, Oddity, Scalar, Span, TextError

DEEPEST = 64
"""Levels that a document may have."""
_SPACE = re.compile(r"[ \t\r\n]+")
_COMMENT = re.compile(r"[ \t]*(?:#[^\n\r]*|//[^\n\r]*|/\*.*?\*/)", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_QUOTED = re.compile(r"'[^'\\\n]*'")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"(?:\$\{[^}\n]*\}|/(?![/*])|[^\s,{}\[\]\"'#/])+")
_KEY = re.compile(r"[^\s,:{}\[\]\"'#/]+")
_LITERALS = {"true": True, "false": False, "null": None}


def scan(text: str) -> tuple[Node, tuple[Odd, ...]]:
    """The tree of a text, and what in it is no JSON, in the order it stands there.

    Raises:
        TextError: it cannot be told what the text means, or it is nested more than `DEEPEST` levels.
    """
    scanner = _Scanner(text)
    node = scanner.whole()
    return node, tuple(sorted(scanner.odd, key=lambda odd: odd.span))


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.odd: list[Odd] = []

    def whole(self) -> Node:
        self._skip()
        start = self.at
        if self._peek() in {"{", "["}:
            node = self._value(0)
        else:
            node = Node(Span(start, len(self.text)), self._entries("", 0))
            edits = (Edit(Span(start, start), "{"), Edit(Span(self.at, self.at), "}"))
            self.odd.append(Odd(Oddity.NO_BRACES, Span(start, self.at), edits))
        self._skip()
        if self.at < len(self.text):
            raise TextError("there is more text after the end of the document", self.at)
        return node

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _skip(self) -> int:
        """Go past blanks and comments; where the last token ended."""
        end = self.at
        while True:
            comment = _COMMENT.match(self.text, self.at)
            if comment is not None:
                self.odd.append(Odd(Oddity.COMMENT, Span(*comment.span()), (Edit(Span(*comment.span()), ""),)))
                self.at = comment.end()
                continue
            blank = _SPACE.match(self.text, self.at)
            if blank is None:
                return end
            # A comment takes the blanks before it along.
            kept = blank.end() - len(blank[0]) + len(blank[0].rstrip(" \t"))
            self.at = kept if _COMMENT.match(self.text, kept) else blank.end()

    def _value(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise TextError(f"nested more than {DEEPEST} levels", self.at)
        start, first = self.at, self._peek()
        if first == "{":
            self.at += 1
            entries = self._entries("}", depth)
            return Node(Span(start, self.at), entries)
        if first == "[":
            self.at += 1
            items = self._items(depth)
            return Node(Span(start, self.at), items)
        value = self._scalar()
        return Node(Span(start, self.at), value)

    def _items(self, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while not self._closed("]", bool(items)):
            items.append(self._value(depth + 1))
        return tuple(items)

    def _entries(self, close: str, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not self._closed(close, bool(entries)):
            start = self.at
            name = self._key()
            key = Span(start, self.at)
            self._skip()
            if self._peek() != ":":
                raise TextError(f"after the key {name!r} comes a colon", self.at)
            self.at += 1
            self._skip()
            if name in entries:
                self.odd.append(Odd(Oddity.DUPLICATE, key))
            entries[name] = Entry(key, self._value(depth + 1))
        return entries

    def _closed(self, close: str, filled: bool) -> bool:
        """Go to the next item, or past the end of what is open; whether it is the end."""
        end = self._skip()
        comma = self._peek() == "," and filled
        if comma:
            mark = Span(self.at, self.at + 1)
            self.at += 1
            self._skip()
        if self._peek() == close:
            if comma:
                self.odd.append(Odd(Oddity.TRAILING_COMMA, mark, (Edit(mark, ""),)))
            self.at += len(close)
            return True
        if not self._peek():
            raise TextError(f"the text ends, and a {close!r} is missing", self.at)
        if filled and not comma:
            self.odd.append(Odd(Oddity.MISSING_COMMA, Span(end, end), (Edit(Span(end, end), ","),)))
        return False

    def _key(self) -> str:
        if self._peek() in {'"', "'"}:
            return self._string()
        match = _KEY.match(self.text, self.at)
        if match is None:
            raise TextError("here a key is needed", self.at)
        return self._bare(match)

    def _scalar(self) -> Scalar:
        if self._peek() in {'"', "'"}:
            return self._string()
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise TextError("here a value is needed", self.at)
        if match[0] in _LITERALS:
            self.at = match.end()
            return _LITERALS[match[0]]
        number = _NUMBER.fullmatch(match[0])
        if number is None:
            return self._bare(match)
        self.at = match.end()
        whole = not (number[1] or number[2]) and len(number[0]) <= 18
        return int(number[0]) if whole else float(number[0])

    def _bare(self, match: re.Match[str]) -> str:
        self.at = match.end()
        span = Span(*match.span())
        self.odd.append(Odd(Oddity.BARE_WORD, span, (Edit(span, json.dumps(match[0], ensure_ascii=False)),)))
        return match[0]

    def _string(self) -> str:
        if self._peek() == "'":
            match = _QUOTED.match(self.text, self.at)
            if match is None:
                raise TextError("this quote is not closed in its line", self.at)
            span, self.at = Span(*match.span()), match.end()
            made = json.dumps(match[0][1:-1], ensure_ascii=False)
            self.odd.append(Odd(Oddity.QUOTES, span, (Edit(span, made),)))
            return match[0][1:-1]
        match = _STRING.match(self.text, self.at)
        if match is None:
            raise TextError("this quote is not closed", self.at)
        span, self.at = Span(*match.span()), match.end()
        try:
            value = str(json.loads(match[0], strict=False))
        except json.JSONDecodeError as error:
            raise TextError(f"no JSON string: {error.msg}", span.start + error.pos) from error
        if any(character < " " for character in match[0]):
            self.odd.append(Odd(Oddity.CONTROL, span, (Edit(span, json.dumps(value, ensure_ascii=False)),)))
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
