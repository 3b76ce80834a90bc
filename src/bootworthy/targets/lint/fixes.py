"""The safe fixes: other text for a few spans, and every other byte as it was."""

from __future__ import annotations

from collections.abc import Iterable

from bootworthy.targets.lint.consumers import Asked
from bootworthy.targets.lint.documents import Source, read_text
from bootworthy.targets.lint.rule import Fault
from bootworthy.targets.lint.run import run
from bootworthy.targets.lint.tree import Edit, Span

_ROUNDS = 8


def fixed(source: Source, asked: Asked) -> tuple[Source, tuple[Fault, ...]]:
    """The file with all that can be fixed fixed, and the faults that were; one fix may make room for another.

    Raises:
        HostError: as `run`.
    """
    done: list[Fault] = []
    for _ in range(_ROUNDS):
        chosen = compatible(run(source, asked))
        if not chosen:
            break
        text = applied(source.text, [edit for fault in chosen for edit in fault.edits])
        source = read_text(source.name, text)
        done += chosen
    return source, tuple(done)


def compatible(faults: Iterable[Fault]) -> list[Fault]:
    """Those with edits of which no two overlap, the first ones first."""
    taken: list[Span] = []
    chosen = []
    for fault in faults:
        spans = [edit.span for edit in fault.edits]
        if spans and not any(_overlap(span, other) for span in spans for other in taken):
            taken += spans
            chosen.append(fault)
    return chosen


def applied(text: str, edits: Iterable[Edit]) -> str:
    """A text with its edits, which do not overlap."""
    parts, at = [], 0
    for edit in sorted(edits, key=lambda it: it.span):
        parts += [text[at : edit.span.start], edit.text]
        at = edit.span.end
    return "".join([*parts, text[at:]])


def _overlap(one: Span, other: Span) -> bool:
    """Whether the order of two edits would matter. Neighbours are edited together: what is between two words must not
    go before both have their quotes.
    """
    return one == other or (one.start < other.end and other.start < one.end)
