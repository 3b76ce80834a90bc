"""What every format of the matrix offers, and how it is found: a new format is one new module here with `FORMAT`."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from bootworthy.errors import NotFoundError
from bootworthy.host import registry
from bootworthy.matrix.mark import Mark
from bootworthy.matrix.model import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the place that shows the matrix can do. Only the terminal table depends on it."""

    width: int = 80
    """Columns."""
    colour: bool = False
    unicode: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to write a matrix down; its name is that of its module."""

    title: str
    suffix: str
    """Ending of a file in this format: `.md`."""
    render: Callable[[Matrix, Look], str]
    """The whole document, ending with one newline."""


def known() -> dict[str, Format]:
    """Every format, by name."""
    return registry.scan("bootworthy.matrix", "FORMAT", Format)


def find(name: str) -> Format:
    """One format.

    Raises:
        NotFoundError: `matrix.unknown-format`.
    """
    every = known()
    if name not in every:
        near = difflib.get_close_matches(name, every, 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(every)}"
        raise NotFoundError("matrix.unknown-format", f"the matrix has no format {name!r}", hint=hint)
    return every[name]


def speaks_unicode(encoding: str | None) -> bool:
    """Whether a stream of this encoding can show the marks."""
    marks = "".join(mark.symbol() + mark.symbol(emulated=True) for mark in Mark) + "─"
    try:
        marks.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
