"""docs/resolve.md: its table of questions comes from tests/data/questions.toml (`make docs`).

What stands between `<!-- questions -->` and `<!-- /questions -->` is written here; the rest by people.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bootworthy.cli.main import run

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "resolve.md"
DAY = "2026-08-01"
"""What is asked about, where a question names no day."""
_QUESTIONS = ROOT / "tests" / "data" / "questions.toml"
_BLOCK = re.compile(r"(?<=<!-- questions -->\n).*?(?=<!-- /questions -->\n)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question, and its answer."""

    asks: str
    command: str
    """The options of `bootworthy resolve`, as one types them in a shell."""
    cell: str = ""
    images: dict[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    """Codes."""
    refused: Sequence[str] = ()
    nearest: Sequence[str] = ()
    """Cells."""
    error: str = ""

    @property
    def arguments(self) -> list[str]:
        """The whole command line after the program's name, with the day and `--json`."""
        words = shlex.split(self.command)
        return ["resolve", *words, *([] if "--at" in words else ["--at", DAY]), "--json"]

    @property
    def answer(self) -> str:
        """The answer as a cell of a Markdown table."""
        if self.error:
            return f"error `{self.error}`"
        if self.refused:
            offers = "<br>".join(f"`{cell}`" for cell in self.nearest)
            return f"refused: {' with '.join(f'`{need}`' for need in self.refused)}; nearest<br>{offers}"
        images = "<br>".join(f"{role} `{reference}`" for role, reference in self.images.items())
        warnings = ", ".join(dict.fromkeys(code.removeprefix("resolve.") for code in self.warnings))
        return f"`{self.cell}`<br>{images}" + (f"<br>warns: {warnings}" if warnings else "")


def questions() -> list[Question]:
    """All of them, in the order of the file."""
    found = tomllib.loads(_QUESTIONS.read_text())
    return [Question(**each) for each in found["question"]]


def written(page: str) -> str:
    """The page with the table as it should be."""
    done, times = _BLOCK.subn(lambda _: "\n".join(_lines()) + "\n", page)
    assert times == 1, "docs/resolve.md has no place for the questions"
    return done


def _lines() -> Iterator[str]:
    sources: dict[str, int] = {}
    yield "| | asked | `bootworthy resolve` | answer | rests on |"
    yield "|---|---|---|---|---|"
    for number, each in enumerate(questions(), 1):
        marks = [f"[{sources.setdefault(source, len(sources) + 1)}]" for source in _sources(each)]
        yield f"| {number} | {each.asks} | `{each.command}` | {each.answer} | {' '.join(marks)} |"
    yield ""
    yield from (f"- [{number}] {source}" for source, number in sources.items())


def _sources(question: Question) -> Iterator[str]:
    """What is named in the answer as a source, once each."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        run(question.arguments)
    told = json.loads(printed.getvalue())
    resolved, refused = told.get("resolved") or {}, told.get("refused") or {}
    reasons = [*resolved.get("why", ()), *resolved.get("warnings", ())]
    reasons += [*refused.get("withheld", ()), *refused.get("nearest", ())]
    yield from dict.fromkeys(source for each in reasons if (source := each.get("source")))


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
