"""docs/checks.md: its rules come from the rules (`make docs`), its table of false alarms from real runs.

What stands between a pair of comments, as `<!-- rules -->` and `<!-- /rules -->`, is written here; the rest by people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bootworthy.checks import rule
from bootworthy.checks.rule import Check

PAGE = Path(__file__).parents[1] / "docs" / "checks.md"
_HEAD = ("id", "severity", "what is wrong", "why it matters", "what to do", "source")


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What every rule said of one thing to boot, and what became of it."""

    name: str
    seen: str
    """`healthy`, when it was booted."""
    errors: tuple[str, ...]
    """Ids of rules."""
    others: tuple[str, ...]
    """Ids of rules that warned, or noted something."""


def replaced(text: str, block: str, content: str) -> str:
    """A page with something else between the comments of a block."""
    found = re.compile(rf"(?<=<!-- {block} -->\n).*?(?=<!-- /{block} -->\n)", re.DOTALL)
    done, times = found.subn(lambda _: content, text)
    assert times == 1, f"docs/checks.md has {times} blocks {block!r}"
    return done


def rules(families: Mapping[str, Check]) -> str:
    """Every family with the table of its rules, by title."""
    return "".join(
        f"\n### {check.title}\n\n" + _table(_HEAD, _rows(check)) for check in sorted(families.values(), key=_title)
    )


def runs(ran: Iterable[Ran], count: int, day: str) -> str:
    """The table of what was looked at by so many rules, asked about a day."""
    rows = [(f"`{each.name}`", each.seen, _listed(each.errors), _listed(each.others)) for each in ran]
    head = ("what was looked at", "what became of it", "errors", "warnings and notes")
    return f"\n{count} rules looked at each of these, as of {day}:\n\n{_table(head, rows)}\n"


def _title(check: Check) -> str:
    return check.title


def _rows(check: Check) -> Iterator[tuple[str, ...]]:
    for each in check.rules:
        yield f"`{each.id}`", each.severity.value, each.title, each.why, each.remedy, each.source or "-"


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in ids) or "none"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [_line(head), _line("---" for _ in head), *(_line(row) for row in rows)]
    return "\n".join(lines).replace("| --- ", "|---").replace("--- |", "---|") + "\n"


def _line(cells: Iterable[str]) -> str:
    return "".join(f"| {cell.replace('|', chr(92) + '|')} " for cell in cells) + "|"


if __name__ == "__main__":
    PAGE.write_text(replaced(PAGE.read_text(), "rules", rules(rule.known())))
