"""Standard output for results, standard error for everything else; JSON for programs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bootworthy.errors import BootworthyError, DocumentError, Problem
from bootworthy.host.progress import Progress, Task

_HINT = "  hint: "


@dataclass
class _Said:
    result: bool = False


_said = _Said()


def begin() -> None:
    """A command line begins: it has printed no result yet."""
    _said.result = False


def result(text: str) -> None:
    """One result."""
    _said.result = True
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def document(value: object) -> None:
    """One result for programs; there is one for a command line."""
    result(json.dumps(value, indent=2, ensure_ascii=False))


def log(message: str) -> None:
    """One line on standard error."""
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


class _Lines:
    """Progress where nobody watches: a line when something begins."""

    def note(self, message: str) -> None:
        log(message)

    @contextlib.contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Task]:  # noqa: ARG002
        log(title)
        yield _Silent()


class _Silent:
    def advance(self, amount: int) -> None:
        """A log has no bars."""


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """Bars on a terminal, lines elsewhere, both on standard error."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _Lines()
        return
    from bootworthy.cli.bars import Bars  # noqa: PLC0415  (rich is slow to import)

    with Bars() as bars:
        yield bars
