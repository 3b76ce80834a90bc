"""`for:` on an entry: the entry again for every combination of values, with `${name}` filled in.

Works on the tree, so that every expanded value still knows its place in the file.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping

from bootworthy.catalog.document import Entry, Mark, Plain, Report, Tree, dotted

VARIABLE = re.compile(r"\$\{([^}]*)\}")
_MOST = 10_000
"""Entries that a catalog may have in all."""
_LONGEST_VALUE = 200
_SECTIONS = ("systems", "kernels", "machines")
# Filled in later, by whoever knows the architecture or the consumer's versions.
_LATE = {"arch", "debian-arch"}
_PATTERNS = {"images", "tags", "note", "title", "source"}


def expand(tree: Tree, report: Report) -> Tree:
    """The tree without `for:`; one that is malformed stays where it is, for the models to report."""
    if not isinstance(tree.value, dict):
        return tree
    expander = _Expander(report)
    return Tree(tree.mark, {key: expander.top(key, entry) for key, entry in tree.value.items()})


class _Expander:
    """Counts what it makes, so that a small file cannot become a huge one."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._made = 0

    def top(self, key: str, entry: Entry) -> Entry:
        match entry.tree.value:
            case dict() as entries if key in _SECTIONS:
                return Entry(entry.mark, Tree(entry.tree.mark, self._section(key, entries)))
            case tuple() as rows if key == "matrix":
                expanded = (tree for index, row in enumerate(rows) for _, tree in self._repeat(row, (key, index)))
                return Entry(entry.mark, Tree(entry.tree.mark, tuple(expanded)))
            case _:
                return entry

    def _section(self, section: str, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        expanded: dict[str, Entry] = {}
        for name, one in entries.items():
            for values, tree in self._repeat(one.tree, (section, name)):
                filled = _fill(name, values)
                if filled in expanded:
                    self._report.add(
                        "catalog.duplicate-key", f"{filled!r} stands here twice", one.mark, path=f"{section}.{filled}",
                        hint="an entry with `for` needs each of its variables in its name" if values else None,
                    )  # fmt: skip
                expanded.setdefault(filled, Entry(one.mark, tree))
        return expanded

    def _repeat(self, tree: Tree, path: tuple[str | int, ...]) -> Iterator[tuple[dict[str, str], Tree]]:
        """The entry once for every combination, without its `for`, and the values of that combination."""
        given = tree.value.get("for") if isinstance(tree.value, dict) else None
        lists = _lists(given, path, self._report) if given else {}
        if lists is None or not isinstance(tree.value, dict):
            yield {}, tree
            return
        count = math.prod(len(words) for words in lists.values())
        if self._made + count > _MOST:
            message = f"with this entry the catalog has {self._made + count} of them; {_MOST} are the most"
            self._report.add("catalog.value", message, tree.mark, path=dotted(path))
            return
        self._made += count
        body = Tree(tree.mark, {key: entry for key, entry in tree.value.items() if key != "for"})
        for combination in itertools.product(*lists.values()):
            values = dict(zip(lists, combination, strict=True))
            yield values, _substitute(body, values, path, self._report)


def _lists(entry: Entry, path: tuple[str | int, ...], report: Report) -> dict[str, list[str]] | None:
    """`{release: ["22.04"]}` as written; None where it has another shape."""
    if not isinstance(entry.tree.value, dict) or not entry.tree.value:
        return None
    lists: dict[str, list[str]] = {}
    for name, one in entry.tree.value.items():
        if not isinstance(one.tree.value, tuple) or not one.tree.value:
            return None
        words = [item.value for item in one.tree.value]
        if not all(isinstance(word, str) for word in words):
            return None
        lists[name] = [word for word in words if isinstance(word, str)]
        if any(len(word) > _LONGEST_VALUE for word in lists[name]):
            message = f"a value of `for` has more than {_LONGEST_VALUE} characters"
            report.add("catalog.value", message, one.tree.mark, path=dotted((*path, "for", name)))
            return None
        if name in _LATE or not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            message = f"{name!r} may not be the name of a variable"
            report.add("catalog.bad-name", message, one.mark, path=dotted((*path, "for", name)))
    return lists


def _substitute(
    tree: Tree, values: Mapping[str, str], path: tuple[str | int, ...], report: Report, *, late: bool = False
) -> Tree:
    match tree.value:
        case dict() as entries:
            filled: dict[str, Entry] = {}
            for key, entry in entries.items():
                free = late or key in _PATTERNS
                one = _substitute(entry.tree, values, (*path, key), report, late=free)
                filled[key] = Entry(entry.mark, one)
            return Tree(tree.mark, filled)
        case tuple() as items:
            return Tree(
                tree.mark,
                tuple(_substitute(item, values, (*path, i), report, late=late) for i, item in enumerate(items)),
            )
        case Plain():
            return tree
        case str() as text:
            if not late:
                _unknown(text, values, path, tree.mark, report)
            return Tree(tree.mark, _fill(text, values))


def _unknown(
    text: str, values: Mapping[str, str], path: tuple[str | int, ...], mark: Mark, report: Report
) -> None:  # fmt: skip
    for name in VARIABLE.findall(text):
        if name not in values and name not in _LATE:
            known = ", ".join(f"${{{value}}}" for value in [*values, *sorted(_LATE)])
            message = f"nothing says what ${{{name}}} is"
            hint = f"known here: {known}"
            report.add("catalog.value", message, mark, path=dotted(path), hint=hint)


def _fill(text: str, values: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: values.get(match[1], match[0]), text)
