"""Names in a catalog that nothing there, or nothing here, has. Works on the tree, so that it finds them in a file
that is wrong in other ways too."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator

from bootworthy.catalog.document import Report, Tree, dotted
from bootworthy.catalog.entries import EMBEDDED
from bootworthy.catalog.mistakes import nearest
from bootworthy.catalog.rows import is_glob
from bootworthy.machines.facts import boards, known


def check(tree: Tree, report: Report) -> None:
    """Note every name that dangles: in the matrix, in `from`, `vmm`, `hardware`; every glob that matches nothing."""
    declared = {section: [name for name, _ in _named(tree, section)] for section in ("systems", "kernels", "machines")}
    for name, system in _named(tree, "systems"):
        _one(_key(system, "from"), "system", declared["systems"], ("systems", name, "from"), report)
    for name, machine in _named(tree, "machines"):
        _one(_key(machine, "vmm"), "VMM", known(), ("machines", name, "vmm"), report)
        _one(_key(machine, "hardware"), "hardware model", boards(), ("machines", name, "hardware"), report)
    rows = _key(tree, "matrix")
    for index, row in enumerate(rows.value if rows and isinstance(rows.value, tuple) else ()):
        for section, names in declared.items():
            items = _key(row, section)
            for at, item in enumerate(items.value if items and isinstance(items.value, tuple) else ()):
                path = ("matrix", index, section, at)
                if isinstance(item.value, str) and is_glob(item.value):
                    _glob(item, item.value, section, names, path, report)
                elif section != "kernels" or item.value != EMBEDDED:
                    also = [EMBEDDED] if section == "kernels" else []
                    _one(item, section.removesuffix("s"), [*names, *also], path, report)


def _one(tree: Tree | None, what: str, names: Collection[str], path: tuple[str | int, ...], report: Report) -> None:
    if tree and isinstance(tree.value, str) and tree.value not in names:
        message = f"no {what} is called {tree.value!r}"
        report.add("catalog.dangling", message, tree.mark, path=dotted(path), hint=nearest(tree.value, names))


def _glob(
    tree: Tree, pattern: str, section: str, names: Collection[str], path: tuple[str | int, ...], report: Report
) -> None:
    if not fnmatch.filter(names, pattern):
        hint = f"known here: {', '.join(names)}" if names else "none is declared"
        message = f"{pattern!r} matches none of the {section}"
        report.add("catalog.dangling", message, tree.mark, path=dotted(path), hint=hint)


def _named(tree: Tree, section: str) -> Iterator[tuple[str, Tree]]:
    entries = _key(tree, section)
    if entries and isinstance(entries.value, dict):
        for name, entry in entries.value.items():
            yield name, entry.tree


def _key(tree: Tree, key: str) -> Tree | None:
    entry = tree.value.get(key) if isinstance(tree.value, dict) else None
    return entry.tree if entry else None
