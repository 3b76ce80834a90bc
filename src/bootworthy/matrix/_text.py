"""Text in columns: what one character takes on a terminal, lines that fit, nothing that moves the cursor."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_BREAKS = re.compile(r"[^/-]*[/-]+|[^/-]+")
_UNSEEN = {"Mn", "Me", "Cf"}


def clean(text: str, *, ascii_only: bool = False) -> str:
    """One line without control characters, so that a title cannot write escape sequences."""
    line = " ".join(harmless(text).split())
    return line.encode("ascii", "replace").decode() if ascii_only else line


def harmless(text: str) -> str:
    """The text with a space for each line break or tab, and without what controls a terminal or its direction."""
    return "".join(" " if char.isspace() else char for char in text if char.isspace() or not _control(char))


def _control(char: str) -> bool:
    # Cf has the marks that turn the direction of text; a joiner inside an emoji is a small loss.
    return unicodedata.category(char) in {"Cc", "Cf", "Cs"}


def width(text: str) -> int:
    """Columns that a text takes (Unicode Standard Annex 11)."""
    return sum(_columns(char) for char in text)


def _columns(char: str) -> int:
    if unicodedata.category(char) in _UNSEEN:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def pad(text: str, columns: int) -> str:
    """The text with spaces after it, up to a width."""
    return text + " " * max(0, columns - width(text))


def wrap(text: str, columns: int, *, indent: str = "") -> list[str]:
    """Lines of at most so many columns: broken at spaces; a word that is too long for a line after `-` or `/`.

    Lines after the first begin with `indent`, which is narrower than `columns`.
    """
    lines: list[str] = []
    line = ""
    for word in text.split():
        for number, piece in enumerate(_pieces(word, columns - len(indent))):
            gap = " " if line.strip() and not number else ""
            if line.strip() and width(line + gap + piece) > columns:
                lines.append(line)
                line, gap = indent, ""
            line += gap + piece
    return [*lines, line]


def _pieces(word: str, longest: int) -> Iterator[str]:
    if width(word) <= longest:
        yield word
        return
    for piece in _BREAKS.findall(word):
        rest = piece
        while width(rest) > longest:
            cut = _fitting(rest, longest)
            yield rest[:cut]
            rest = rest[cut:]
        yield rest


def _fitting(text: str, columns: int) -> int:
    used = 0
    for index, char in enumerate(text):
        used += _columns(char)
        if used > columns:
            return max(index, 1)
    return len(text)
