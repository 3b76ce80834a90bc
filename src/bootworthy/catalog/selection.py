"""Selectors: a glob for each of the three parts of a cell's name; parts left out mean all."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Sequence

from bootworthy.catalog.entries import Cell
from bootworthy.errors import NotFoundError, UsageError

_PARTS = ("system", "kernel", "machine")


def select(cells: Sequence[Cell], selectors: Sequence[str]) -> tuple[Cell, ...]:
    """The cells that any selector takes, in the order of `cells`; all of them without a selector.

    Raises:
        NotFoundError: `selector.no-match`, for a selector that takes none.
        UsageError: `selector.bad`.
    """
    if not selectors:
        return tuple(cells)
    taken: set[str] = set()
    for selector in selectors:
        globs = _globs(selector)
        matching = {cell.name for cell in cells if _matches(cell, globs)}
        if not matching:
            raise _no_match(cells, selector, globs)
        taken |= matching
    return tuple(cell for cell in cells if cell.name in taken)


def _globs(selector: str) -> list[str]:
    globs = selector.split("/")
    if len(globs) > len(_PARTS) or not any(globs):
        hint = "write SYSTEM/KERNEL/MACHINE, each a name or a glob: debian-*/*/qemu-*"
        raise UsageError("selector.bad", f"{selector!r} is no selector", hint=hint)
    return [glob or "*" for glob in globs] + ["*"] * (len(_PARTS) - len(globs))


def _names(cell: Cell) -> tuple[str, str, str]:
    return cell.system.name, cell.kernel.name, cell.machine.name


def _matches(cell: Cell, globs: Sequence[str]) -> bool:
    return all(fnmatch.fnmatchcase(name, glob) for name, glob in zip(_names(cell), globs, strict=True))


def _no_match(cells: Sequence[Cell], selector: str, globs: Sequence[str]) -> NotFoundError:
    message = f"no cell matches {selector!r}"
    for index, (part, glob) in enumerate(zip(_PARTS, globs, strict=True)):
        names = list(dict.fromkeys(_names(cell)[index] for cell in cells))
        if not fnmatch.filter(names, glob):
            near = difflib.get_close_matches(glob, names, 3, 0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"{part}s here: {', '.join(names) or 'none'}"
            return NotFoundError("selector.no-match", f"{message}: no {part} is called {glob!r}", hint=hint)
    near = difflib.get_close_matches("/".join(globs), [cell.name for cell in cells], 3, 0)
    hint = f"each part is here, but not together; nearest: {', '.join(near)}"
    return NotFoundError("selector.no-match", message, hint=hint)
