"""docs/lint.md: its rules come from the rules (`make docs`); the rest is written by people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from bootworthy.targets.lint import rule
from bootworthy.targets.lint.rule import Family, Rule
from tests.check_page import replaced

PAGE = Path(__file__).parents[1] / "docs" / "lint.md"
_HEAD = ("id", "severity", "versions", "what is wrong", "why it matters", "what to do", "source")


def rules(families: Mapping[str, Family]) -> str:
    """One table of every rule, by its number."""
    every = sorted((each for family in families.values() for each in family.rules), key=lambda each: each.id)
    lines = [_line(_HEAD), "|---" * len(_HEAD) + "|", *(_line(_row(each)) for each in every)]
    return "\n" + "\n".join(lines) + "\n\n"


def _row(each: Rule) -> Iterator[str]:
    marks = [mark for mark, there in (("`--images`", each.images), ("`--fix`", each.fixed)) if there]
    yield " ".join([each.id, *marks])
    yield from (each.severity.value, each.range, each.title, each.why, each.remedy, each.source)


def _line(cells: Iterator[str] | tuple[str, ...]) -> str:
    return "".join(f"| {cell.replace('|', chr(92) + '|')} " for cell in cells) + "|"


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(), "rules", rules(rule.known())))
