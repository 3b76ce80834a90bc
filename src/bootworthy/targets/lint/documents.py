"""What others wrote, read as far as it can be told: the text, its documents, and its places as line and column."""

from __future__ import annotations

import bisect
import functools
import re
from dataclasses import dataclass

from bootworthy.catalog.document import LARGEST, Mark
from bootworthy.errors import DocumentError, Problem
from bootworthy.targets.lint import blocks, scanner
from bootworthy.targets.lint.tree import Node, Odd, Span, TextError

_BOM = "\ufeff"
_JSON_BEGINS = re.compile(r"(?:\s|#[^\n]*\n|//[^\n]*\n|/\*.*?\*/)*[{\[]", re.DOTALL)
_NO_BRACES = re.compile(r"(?:\s|#[^\n]*\n|//[^\n]*\n)*\"[^\"\n]*\"\s*:")


# No slots: where lines begin is kept beside the fields.
@dataclass(frozen=True, eq=False)
class Source:
    """One file."""

    name: str
    """As the person named it."""
    text: str
    documents: tuple[Node, ...]
    """Those that hold anything."""
    odd: tuple[Odd, ...] = ()
    json: bool = False
    """Whether it was read as JSON, or what people take for it; else as YAML."""

    @functools.cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer(r"\n", self.text))]

    def mark(self, at: int) -> Mark:
        """Line and column of an offset, counted from 1."""
        line = bisect.bisect_right(self._lines, at)
        return Mark(line, at - self._lines[line - 1] + 1)

    def where(self, span: Span) -> str:
        """`file:line:column`."""
        mark = self.mark(span.start)
        return f"{self.name}:{mark.line}:{mark.column}"

    def written(self, span: Span) -> str:
        """What stands there."""
        return self.text[span.start : span.end]


def read(name: str, data: bytes) -> Source:
    """Read a file: as JSON where its name or its first character says so, else as YAML.

    Raises:
        DocumentError: `lint.unreadable`, when it has more than 1 MiB, is no UTF-8, is no such text at all, or is nested
            or expanded beyond reason.
    """
    if len(data) > LARGEST:
        raise _unreadable(name, "lint.too-large", f"the file has more than {LARGEST // 1024} KiB", Mark(1, 1))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise _unreadable(name, "lint.encoding", message, Mark(line, column)) from error
    return read_text(name, text)


def read_text(name: str, text: str) -> Source:
    """As `read`, of a text; a byte order mark at its begin stays where it is.

    Raises:
        DocumentError: as `read`.
    """
    # The readers see a blank in place of the mark, so that offsets are those of the text.
    plain = " " + text[1:] if text.startswith(_BOM) else text
    as_json = _looks_like_json(name, plain)
    try:
        if as_json:
            node, odd = scanner.scan(plain)
            return Source(name, text, (node,), odd, json=True)
        documents, odd = blocks.scan(plain)
        return Source(name, text, documents, odd)
    except TextError as error:
        mark = Source(name, text, ()).mark(error.at)
        raise _unreadable(name, "lint.syntax", error.message, mark) from error


def _looks_like_json(name: str, text: str) -> bool:
    if name.endswith((".yaml", ".yml")):
        return False
    return name.endswith(".json") or bool(_JSON_BEGINS.match(text) or _NO_BRACES.match(text))


def _unreadable(name: str, code: str, message: str, mark: Mark) -> DocumentError:
    problem = Problem(code, message, f"{name}:{mark.line}:{mark.column}")
    return DocumentError("lint.unreadable", "this file cannot be read", [problem], where=name)
