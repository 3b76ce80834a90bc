"""Standard output for results, standard error for everything else; JSON for programs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bootworthy.errors import BootworthyError, DocumentError, Problem
from bootworthy.host.progress import Progress, Quiet, Task

_HINT = "  hint: "


class Look(StrEnum):
    """How progress is shown (docs/output.md)."""

    AUTO = "auto"
    PLAIN = "plain"
    JSON = "json"
    NONE = "none"


class _Shown(Progress, Protocol):
    """Progress on a stream that others write to as well."""

    def aside(self) -> contextlib.AbstractContextManager[None]: ...


@dataclass
class _Said:
    result: bool = False
    look: Look = Look.AUTO
    shown: _Shown | None = None
    """What is on the screen now; whatever is printed has to go around it."""


_said = _Said()


def begin(look: Look = Look.AUTO) -> None:
    """A command line begins: it has printed no result yet, and shows progress so."""
    _said.result = False
    _said.look = look


def result(text: str) -> None:
    """One result."""
    _said.result = True
    with _said.shown.aside() if _said.shown else contextlib.nullcontext():
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        if _said.shown:
            sys.stdout.flush()


def document(value: object) -> None:
    """One result for programs; there is one for a command line."""
    result(json.dumps(value, indent=2, ensure_ascii=False))


def log(message: str) -> None:
    """One line on standard error; a note, while progress is shown there."""
    if _said.shown:
        _said.shown.note(message)
        return
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON, so that its errors are JSON too."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=False)
    return any(word in {"--json", "--format=json"} or (word, after) == ("--format", "json") for word, after in pairs)


def error(problem: BootworthyError, arguments: Sequence[str]) -> None:
    """Say what went wrong: for people on standard error, for programs also as JSON on standard output.

    Where the result is there already, it tells programs what is wrong, and two documents would be none.
    """
    if wants_json(arguments) and not _said.result:
        document({"error": problem.as_json()})
    if isinstance(problem, DocumentError):
        for each in problem.problems:
            log(_problem(each))
        count = len(problem.problems)
        log(f"error: {problem}" + (f" ({count} problems)" if count > 1 else ""))
        return
    log(f"error: {problem}")
    if problem.hint:
        log(f"{_HINT}{problem.hint}")


def _problem(each: Problem) -> str:
    path = f"{each.path}: " if each.path else ""
    hint = f"\n{_HINT}{each.hint}" if each.hint else ""
    return f"{each.where}: {path}{each.message} [{each.code}]{hint}"


def coloured(stream: object) -> bool:
    """Whether a stream should get colour: a terminal, and NO_COLOR is not set (no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


class _Notes(Quiet):
    """What happened, and nothing of what goes on."""

    def note(self, message: str) -> None:
        log(message)


class _Lines(_Notes):
    """Progress where nobody watches: a line when something begins."""

    @contextlib.contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Task]:
        log(" ".join(title.split()))
        with super().task(title, total) as task:
            yield task


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Work in progress, on standard error: bars on a terminal, lines elsewhere, or as `--progress` says."""
    if _said.look is Look.JSON:
        from bootworthy.cli.events import Events  # noqa: PLC0415  (few need it)

        with _around(Events(sys.stderr)) as events:
            yield events
    elif _said.look is Look.NONE:
        yield _Notes()
    elif _said.look is Look.PLAIN or not _drawn_on():
        yield _Lines()
    else:
        from bootworthy.cli.bars import Bars  # noqa: PLC0415  (few need it)

        with Bars() as made, _around(made) as bars:
            yield bars


@contextlib.contextmanager
def _around(shown: _Shown) -> Iterator[_Shown]:
    """Whatever is printed within the block goes around what is shown."""
    _said.shown = shown
    try:
        yield shown
    finally:
        _said.shown = None


def _drawn_on() -> bool:
    """Whether standard error is a terminal that bars can be drawn on."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        return False
    from bootworthy.cli.bars import in_front  # noqa: PLC0415  (few need it)

    return in_front(sys.stderr.fileno())
